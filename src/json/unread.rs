//! What stands for a map or an array that was not decoded.

/// A map or array outside the mask. Its tag names its node, from which the writer takes its text.
///
/// A type of its own and not, say, `()`: no script can make one, and whoever reads one by mistake gets an error that is seen
/// instead of a wrong answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread;
