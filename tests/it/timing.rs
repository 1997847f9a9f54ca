//! CHECKLIST 16: what fails alike takes alike.
