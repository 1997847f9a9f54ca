//! CHECKLIST E1: nothing is spent twice.
