//! The certificates that a client trusts, from a file.

use std::ffi::OsString;

use sockeye::Roots;

/// The roots in a file in PEM, or why there are none.
pub(crate) fn read(file: OsString) -> Result<Roots, String> {
    let text = std::fs::read(&file).map_err(|error| format!("cannot read the roots in {}: {error}", file.display()))?;
    Roots::pem(&text).map_err(|error| format!("{}: {error}", file.display()))
}
