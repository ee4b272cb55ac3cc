//! The mark of the program on its windows, for the bar of the desktop and the list of windows, and in the tray.

use slint::SharedPixelBuffer;
use slint::winit_030::winit::window::{Icon, Window};

/// Puts it on a window that the system has made.
pub(super) fn put_on(window: &Window) {
    match Icon::from_rgba(PIXELS.to_vec(), SIDE, SIDE) {
        Ok(icon) => {
            #[cfg(windows)]
            slint::winit_030::winit::platform::windows::WindowExtWindows::set_taskbar_icon(
                window,
                Some(icon.clone()),
            );
            window.set_window_icon(Some(icon));
        }
        Err(error) => tracing::debug!(%error, "The mark is no picture"),
    }
}

/// The same for the tray.
pub(super) fn picture() -> slint::Image {
    slint::Image::from_rgba8(SharedPixelBuffer::clone_from_slice(PIXELS, SIDE, SIDE))
}

/// Four bytes for each pixel; `examples/make_icons` writes them.
const PIXELS: &[u8] = include_bytes!("../../../packaging/icons/thrive-messenger-48.rgba");
const SIDE: u32 = 48;
