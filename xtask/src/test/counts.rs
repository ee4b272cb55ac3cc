//! Reads how many tests passed and failed from what the runners print.

/// How many checks passed and failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Counts {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

/// nextest's closing line and what it counts, for example
/// `Summary [  1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped`.
pub(crate) fn nextest_summary(lines: &[String]) -> Option<(&str, Counts)> {
    let line = lines.iter().rev().find(|line| line.trim_start().starts_with("Summary ["))?;
    let (_, counted) = line.split_once("run: ")?;
    let mut counts = Counts::default();
    for part in without_brackets(counted).split(',') {
        let Some((number, word)) = part.trim().split_once(' ') else { continue };
        let Ok(number) = number.parse::<u64>() else { continue };
        match word.trim() {
            "passed" => counts.passed += number,
            "skipped" => {}
            // Failed, timed out, could not be started, leaked: each is red.
            _ => counts.failed += number,
        }
    }
    Some((line, counts))
}

/// Adds up the closing lines of rustdoc's tests, one for each crate, for example
/// `test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out`.
pub(crate) fn doctests(lines: &[String]) -> Counts {
    let mut counts = Counts::default();
    for line in lines.iter().filter(|line| line.starts_with("test result:")) {
        for part in line.split([';', '.']) {
            match part.trim().split_once(' ') {
                Some((number, "passed")) => counts.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => counts.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
    counts
}

/// `3 passed (1 slow, 1 flaky), 1 failed` without what is in brackets.
fn without_brackets(text: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::new();
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(letter),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    fn check(summary: &str, passed: u64, failed: u64) {
        let lines = lines(summary);
        let (_, counts) = nextest_summary(&lines).expect("there is a summary");
        assert_eq!(counts, Counts { passed, failed }, "{summary}");
    }

    #[test]
    fn the_closing_line_of_nextest_is_counted() {
        check("     Summary [   0.012s] 3 tests run: 3 passed, 0 skipped", 3, 0);
        check(
            "     Summary [  61.000s] 9 tests run: 6 passed (2 slow, 1 flaky), 2 failed, 1 timed out, 4 skipped",
            6,
            3,
        );
        check("   Summary [ 1s] 1 test run: 1 passed, 0 skipped\nerror: later", 1, 0);
    }

    #[test]
    fn without_a_closing_line_nothing_is_claimed() {
        assert_eq!(nextest_summary(&lines("error: could not compile")), None);
    }

    #[test]
    fn the_closing_lines_of_all_crates_add_up() {
        let text = "test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
                    test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(doctests(&lines(text)), Counts { passed: 3, failed: 1 });
    }
}
