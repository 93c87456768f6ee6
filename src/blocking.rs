//! The adapter for blocking streams.
