//! The command `litecopy`.

fn main() {}
