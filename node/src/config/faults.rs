//! Orders of the fault runner. The keys exist only in a build with the feature `faults`.

use crate::config::reader::Reader;
use crate::faults::Orders;
#[cfg(feature = "faults")]
use crate::faults::{Bug, Point};

#[cfg(feature = "faults")]
pub(super) fn read(reader: &mut Reader) -> Orders {
    let points = "a point and how often it is passed, such as after-commit:3";
    let kill_at = reader.optional("faults.kill_at", points, |it| {
        let (point, times) = it.split_once(':')?;
        Some((Point::parse(point)?, times.parse().ok()?))
    });
    let bug = reader.optional("faults.bug", "the word of a bug", Bug::parse);
    let drop_hints = reader.optional("faults.drop_hints", "true or false", |it| it.parse().ok());
    Orders { kill_at, bug, drop_hints: drop_hints.unwrap_or_default() }
}

#[cfg(not(feature = "faults"))]
pub(super) fn read(_: &mut Reader) -> Orders {
    Orders::default()
}
