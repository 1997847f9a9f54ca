//! The admin API of DESIGN.md section 6.
