//! What only this engine has: files, locks, damage.
