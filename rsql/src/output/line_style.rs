//! The characters that frames are drawn with.

/// A horizontal rule: the line, its left end, its crossings, its right end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) line: &'static str,
    pub(super) left: &'static str,
    pub(super) mid: &'static str,
    pub(super) right: &'static str,
}

/// A line style of psql.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LineStyle {
    /// Its name.
    pub(crate) name: &'static str,
    pub(super) top: Rule,
    pub(super) middle: Rule,
    pub(super) bottom: Rule,
    pub(super) bar: &'static str,
    pub(super) bar_newline: &'static str,
    pub(super) bar_wrap: &'static str,
    pub(super) bar_blank: &'static str,
    pub(super) header_newline_left: &'static str,
    pub(super) header_newline_right: &'static str,
    pub(super) newline_left: &'static str,
    pub(super) newline_right: &'static str,
    pub(super) wrap_left: &'static str,
    pub(super) wrap_right: &'static str,
    pub(super) right_marks: bool,
}

const PLUS: Rule = Rule { line: "-", left: "+", mid: "+", right: "+" };

impl LineStyle {
    /// `ascii`, the default.
    pub(crate) const ASCII: Self = Self {
        name: "ascii",
        top: PLUS,
        middle: PLUS,
        bottom: PLUS,
        bar: "|",
        bar_newline: "|",
        bar_wrap: "|",
        bar_blank: "|",
        header_newline_left: " ",
        header_newline_right: "+",
        newline_left: " ",
        newline_right: "+",
        wrap_left: ".",
        wrap_right: ".",
        right_marks: true,
    };

    /// `old-ascii`, as psql wrote before 9.0.
    pub(crate) const OLD_ASCII: Self = Self {
        name: "old-ascii",
        bar_newline: ":",
        bar_wrap: ";",
        bar_blank: " ",
        header_newline_left: "+",
        header_newline_right: " ",
        newline_left: " ",
        newline_right: " ",
        wrap_left: " ",
        wrap_right: " ",
        right_marks: false,
        ..Self::ASCII
    };

    /// `unicode`, single lines.
    pub(crate) const UNICODE: Self = Self {
        name: "unicode",
        top: Rule { line: "─", left: "┌", mid: "┬", right: "┐" },
        middle: Rule { line: "─", left: "├", mid: "┼", right: "┤" },
        bottom: Rule { line: "─", left: "└", mid: "┴", right: "┘" },
        bar: "│",
        bar_newline: "│",
        bar_wrap: "│",
        bar_blank: "│",
        header_newline_left: " ",
        header_newline_right: "↵",
        newline_left: " ",
        newline_right: "↵",
        wrap_left: "…",
        wrap_right: "…",
        right_marks: true,
    };
}
