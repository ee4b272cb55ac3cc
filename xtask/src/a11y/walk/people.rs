//! People beyond the contacts: a request that waits, and somebody who writes without being a contact. With
//! keys only.

use anyhow::Result;

use super::{Walker, named};

impl Walker<'_> {
    pub(super) fn meets_others(&mut self) -> Result<()> {
        self.goes_to_row("cleo")?;
        self.opens("Return", "request")?;
        self.window.focus("the row of cleo, after the request", |node| named(node, "cleo"))?;
        self.goes_to_row("bob")?;
        self.window.press(&["alt+c"])?;
        self.window.focus("the conversation", |node| named(node, "dora"))?;
        self.opens("Return", "chat_stranger")?;
        self.window.focus("the conversation, again", |node| named(node, "dora"))?;
        self.window.press(&["Escape"])?;
        self.window.focus("the row of bob, after the conversations", |node| named(node, "bob"))?;
        Ok(())
    }
}
