//! The real client library against a real node.
