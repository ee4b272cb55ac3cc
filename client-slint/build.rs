//! Compiles the screens, and what Windows shows of the program file.

fn main() {
    let config = slint_build::CompilerConfiguration::new()
        // Own widgets everywhere; of the standard ones only the licence notice is shown.
        .with_style("fluent".into())
        // Tests find every control by what a screen reader says of it; that needs the element names.
        .with_debug_info(true);
    if let Err(error) = slint_build::compile_with_config("ui/main.slint", config) {
        panic!("the screens do not compile: {error}");
    }
    // Cargo tells a build script of its target through the environment, and in no other way.
    #[expect(
        clippy::disallowed_methods,
        reason = "the environment is how cargo speaks to a build script"
    )]
    let for_windows = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "windows");
    if for_windows {
        resource();
    }
}

/// The icon, the name and the version in the file itself.
fn resource() {
    const ICON: &str = "../packaging/icons/thrive-messenger.ico";
    println!("cargo:rerun-if-changed={ICON}");
    let mut resource = winresource::WindowsResource::new();
    resource
        .set_icon(ICON)
        .set("ProductName", "Thrive Messenger")
        .set("FileDescription", "Thrive Messenger")
        .set("OriginalFilename", "thrive-messenger.exe")
        .set("LegalCopyright", "MIT OR Apache-2.0");
    if let Err(error) = resource.compile_for("thrive-messenger") {
        panic!("the resource of the Windows program does not compile: {error}");
    }
}
