//! CHECKLIST E2, E3, E13: kill -9, power cuts, full disks.
