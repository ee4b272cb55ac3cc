//! A font for the windows, also where the system has fonts and names none of them as the usual one:
//! Slint would end the program at the first word that it draws, or before.

use std::fmt;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use slint::fontique_011::fontique::{
    Collection, FamilyId, GenericFamily, QueryFamily, QueryStatus, SourceCache,
};
use slint::fontique_011::shared_collection;
use tracing::warn;

/// The families that Slint asks for when nobody names one.
const USUAL: [GenericFamily; 3] =
    [GenericFamily::SansSerif, GenericFamily::SystemUi, GenericFamily::UiSansSerif];

/// Easy to read and with the letters of many languages; the best first.
const GOOD: [&str; 8] = [
    "Segoe UI",
    "Noto Sans",
    "DejaVu Sans",
    "Liberation Sans",
    "Open Sans",
    "Ubuntu",
    "Verdana",
    "Tahoma",
];

/// The crate that finds fonts, as it stands in the paths of its files.
const FINDER: &str = "fontique";

/// No text can be drawn on this computer.
#[derive(Debug)]
pub struct NoFont;

impl fmt::Display for NoFont {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "There is no font on this computer, so the windows would be without text. Install one, \
             for example DejaVu Sans (on Debian the package fonts-dejavu-core), and start Thrive again.",
        )
    }
}

impl std::error::Error for NoFont {}

/// Does what looks for fonts. The crate that finds them gives up loudly on a system without any; that
/// becomes a sentence, and every other panic stays what it is.
///
/// # Errors
/// The system has no font at all.
pub fn or_none<T>(does: impl FnOnce() -> T) -> Result<T, NoFont> {
    let of_fonts = Arc::new(AtomicBool::new(false));
    let usual = Arc::new(panic::take_hook());
    panic::set_hook(Box::new({
        let (of_fonts, usual) = (Arc::clone(&of_fonts), Arc::clone(&usual));
        move |info| {
            if info.location().is_some_and(|at| at.file().contains(FINDER)) {
                of_fonts.store(true, Ordering::Relaxed);
            } else {
                usual(info);
            }
        }
    }));
    let outcome = panic::catch_unwind(AssertUnwindSafe(does));
    panic::set_hook(Box::new(move |info| usual(info)));
    outcome.or_else(|panic| {
        if of_fonts.load(Ordering::Relaxed) { Err(NoFont) } else { panic::resume_unwind(panic) }
    })
}

/// Sees to it that text can be drawn. Slint's backend must be there already.
///
/// # Errors
/// No font of the system has letters.
pub fn ensure() -> Result<(), NoFont> {
    ensure_in(&mut shared_collection())
}

fn ensure_in(fonts: &mut Collection) -> Result<(), NoFont> {
    let mut cache = SourceCache::default();
    if has_usual(fonts, &mut cache) {
        return Ok(());
    }
    let names: Vec<_> = fonts.family_names().map(str::to_owned).collect();
    let found = best_first(names).into_iter().find_map(|name| {
        fonts.family_id(&name).filter(|id| is_text(fonts, *id)).map(|id| (name, id))
    });
    let (font, id) = found.ok_or(NoFont)?;
    warn!(font, "The system names no usual font, so this one is used");
    for usual in USUAL {
        fonts.set_generic_families(usual, [id].into_iter());
    }
    Ok(())
}

/// Asks as Slint does.
fn has_usual(fonts: &mut Collection, cache: &mut SourceCache) -> bool {
    let mut query = fonts.query(cache);
    query.set_families(USUAL.iter().take(2).copied().map(QueryFamily::Generic));
    let mut found = false;
    query.matches_with(|_| {
        found = true;
        QueryStatus::Stop
    });
    found
}

/// Whether a family has letters, and not only signs or pictures.
fn is_text(fonts: &mut Collection, id: FamilyId) -> bool {
    let family = fonts.family(id);
    let font = family.as_ref().and_then(|family| family.default_font());
    font.and_then(|font| {
        let bytes = font.load(None)?;
        let letters = font.charmap_index().charmap(bytes.as_ref())?;
        Some("Aaz09?".chars().all(|letter| letters.map(letter).is_some_and(|it| it != 0)))
    })
    .unwrap_or(false)
}

/// The good ones, and then the others by their names.
fn best_first(mut names: Vec<String>) -> Vec<String> {
    let place = |name: &str| GOOD.iter().position(|it| *it == name).unwrap_or(GOOD.len());
    names.sort_by(|one, other| place(one).cmp(&place(other)).then_with(|| one.cmp(other)));
    names
}

#[cfg(test)]
mod tests {
    use slint::fontique_011::fontique::CollectionOptions;

    use super::*;

    fn collection(system_fonts: bool) -> Collection {
        Collection::new(CollectionOptions { shared: false, system_fonts })
    }

    #[test]
    fn good_fonts_come_before_all_others() {
        let names = ["Zapf", "Tahoma", "Dingbats", "DejaVu Sans"].map(str::to_owned);
        assert_eq!(best_first(names.into()), ["DejaVu Sans", "Tahoma", "Dingbats", "Zapf"]);
    }

    #[test]
    fn without_any_font_there_is_a_sentence() {
        let refused = ensure_in(&mut collection(false)).expect_err("there is none");
        assert!(refused.to_string().starts_with("There is no font on this computer"), "{refused}");
    }

    #[test]
    fn a_system_without_a_usual_font_gets_one() {
        let mut system = collection(true);
        let names: Vec<_> = system.family_names().map(str::to_owned).collect();
        let bytes = best_first(names)
            .first()
            .and_then(|name| system.family_by_name(name)?.default_font()?.load(None));
        // A machine without fonts is what the test above is about.
        let Some(bytes) = bytes else { return };
        let mut fonts = collection(false);
        fonts.register_fonts(bytes, None);
        let mut cache = SourceCache::default();
        assert!(!has_usual(&mut fonts, &mut cache), "nobody named it");
        ensure_in(&mut fonts).expect("one is found");
        assert!(has_usual(&mut fonts, &mut cache));
    }
}
