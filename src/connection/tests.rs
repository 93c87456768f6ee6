use super::*;

#[test]
fn a_connection_is_small() {
    assert!(size_of::<Connection>() <= 96, "{}", size_of::<Connection>());
}
