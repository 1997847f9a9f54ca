//! CHECKLIST 23, 75, 76: no secret where it does not belong.
