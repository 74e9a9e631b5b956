//! Range migration: targets that cross gates within a CPI, and the keystone transform that holds them.
