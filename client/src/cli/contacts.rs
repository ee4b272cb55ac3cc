//! `thrive contacts`.

use serde_json::json;
use thrive_client::{Contact, Relation};

use super::Trouble;
use super::args::ContactsCommand;
use super::context::{Context, known};
use super::records;

pub(crate) async fn contacts(context: &Context, command: ContactsCommand) -> Result<(), Trouble> {
    let client = context.online().await?;
    let show = |contact: &Contact| {
        let (text, record) = records::contact(contact);
        context.output.say(&text, &record)
    };
    let gone = |what: &str, user: &Contact| {
        let record = json!({ "type": what, "username": user.username.as_str() });
        context.output.say(&format!("{}: {what}", user.username), &record)
    };
    match command {
        ContactsCommand::List => {
            for contact in client.contacts() {
                let listed = contact.relation != Relation::None || contact.blocked;
                if listed || 0 < contact.unread {
                    show(&contact)?;
                }
            }
        }
        ContactsCommand::Add { user, text } => show(&client.add_contact(&user, &text).await?)?,
        ContactsCommand::Accept { user } => {
            show(&client.accept_contact(known(&client, &user)?.user).await?)?;
        }
        ContactsCommand::Decline { user } => {
            let user = known(&client, &user)?;
            client.decline_contact(user.user).await?;
            gone("declined", &user)?;
        }
        ContactsCommand::Remove { user } => {
            let user = known(&client, &user)?;
            client.remove_contact(user.user).await?;
            gone("removed", &user)?;
        }
        ContactsCommand::Block { user } => show(&client.block(&user).await?)?,
        ContactsCommand::Unblock { user } => {
            let user = known(&client, &user)?;
            client.unblock(user.user).await?;
            gone("unblocked", &user)?;
        }
        ContactsCommand::Name { user, name } => {
            show(&client.name_contact(known(&client, &user)?.user, &name).await?)?;
        }
        ContactsCommand::Group { user, group } => {
            show(&client.group_contact(known(&client, &user)?.user, &group).await?)?;
        }
        ContactsCommand::RenameGroup { old, new } => {
            let renamed = client.rename_group(&old, &new).await?;
            let (text, record) = records::group_renamed(old.trim(), &renamed);
            context.output.say(&text, &record)?;
        }
    }
    client.close().await;
    Ok(())
}
