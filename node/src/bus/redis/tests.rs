//! Two nodes, one database, one real Redis: what is said on one is heard on the other, whatever is lost on
//! the way.

mod cluster;
mod live;
mod lost;
mod proxy;
mod server;
