//! Compiles the screens.

fn main() {
    let config = slint_build::CompilerConfiguration::new()
        // Own widgets everywhere; of the standard ones only the licence notice is shown.
        .with_style("fluent".into())
        // Tests find every control by what a screen reader says of it; that needs the element names.
        .with_debug_info(true);
    if let Err(error) = slint_build::compile_with_config("ui/main.slint", config) {
        panic!("the screens do not compile: {error}");
    }
}
