//! Runbooks that are executed: Markdown whose ```` ```console ```` blocks hold commands and what they print, and whose `<!-- world: … -->` marks
//! say what happens outside meanwhile.
//!
//! A line that begins with `$ ` is a command of `frontdesk`; what follows is what it prints, on both outputs. It ends with code 0, unless
//! `$ echo $?` after it tells another. A block after a paragraph that says "Repeat until it shows `this` and `that`" is repeated until it does.
//! What must vary (ids, times, spans, rates) is compared by kind, and an id is the same id in the whole document; all else is compared word by word.

mod compare;
mod document;
mod lines;
mod play;
mod tokens;
mod world;

pub use document::{Document, Part, Session, Step};
pub use play::play;
