//! Small charts as SVG: lines over a range, bars in groups. The same numbers give the same bytes.

use std::fmt::Write;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 360.0;
/// Room for the axis on the left, title and legend above, the axis below.
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 72.0;
const BOTTOM: f64 = 52.0;
/// Width of a letter of the legend, and of its mark with the spaces around it.
const LETTER: f64 = 7.2;
const MARK: f64 = 46.0;
/// Colours that people with colour-blindness tell apart (Okabe and Ito, 2008).
const COLOURS: [&str; 8] =
    ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#8C8C8C"];

/// A range of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Span {
    /// The range of some numbers with round ends; of 0 to 1 where there are none.
    pub(super) fn of(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values
            .filter(|value| value.is_finite())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        if low > high {
            return Self { low: 0.0, high: 1.0 };
        }
        let high = if high - low < 1e-9 { low + 1.0 } else { high };
        let step = round_step(high - low);
        Self { low: (low / step).floor() * step, high: (high / step).ceil() * step }
    }

    fn share(self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Round numbers within the range.
    fn ticks(self) -> Vec<f64> {
        let step = round_step(self.high - self.low);
        let first = (self.low / step).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|count| count as f64 * step).collect()
    }
}

/// A step of 1, 2 or 5 times a power of ten that divides a length into 4 to 10 parts.
fn round_step(length: f64) -> f64 {
    let rough = length / 8.0;
    let power = 10.0_f64.powf(rough.log10().floor());
    let parts = [1.0, 2.0, 5.0, 10.0];
    power * parts.into_iter().find(|part| part * power >= rough * 0.999).unwrap_or(10.0)
}

/// What an axis measures.
pub(super) struct Axis {
    pub(super) label: String,
    pub(super) span: Span,
}

/// A line of a chart.
pub(super) struct Line {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
    /// Colour by number; broken lines are told apart in print.
    pub(super) colour: usize,
    pub(super) is_broken: bool,
}

/// Lines over a range.
pub(super) struct LineChart {
    pub(super) title: String,
    pub(super) across: Axis,
    pub(super) up: Axis,
    /// Stretches that are shaded, and what they are.
    pub(super) shaded: Vec<(f64, f64)>,
    pub(super) shaded_name: String,
    pub(super) lines: Vec<Line>,
}

/// Bars of one colour, one for each group.
pub(super) struct Bars {
    pub(super) name: String,
    pub(super) values: Vec<Option<f64>>,
}

/// Bars in groups.
pub(super) struct BarChart {
    pub(super) title: String,
    pub(super) up: Axis,
    pub(super) groups: Vec<String>,
    pub(super) bars: Vec<Bars>,
}

/// An entry of a legend.
enum Mark<'a> {
    Line(&'a Line),
    Box(&'a str, &'a str),
}

impl LineChart {
    pub(super) fn svg(&self) -> String {
        let mut canvas = Canvas::new(&self.title, &self.up);
        let (low, high) = (self.across.span.low, self.across.span.high);
        for (start, end) in &self.shaded {
            let (left, right) = (self.x(start.clamp(low, high)), self.x(end.clamp(low, high)));
            canvas.rectangle([left, TOP, right - left, HEIGHT - TOP - BOTTOM], "#E8E8E8");
        }
        canvas.grid();
        for tick in self.across.span.ticks() {
            canvas.label([self.x(tick), HEIGHT - BOTTOM + 20.0], "middle", &number(tick));
        }
        canvas.label([0.5 * (LEFT + WIDTH - RIGHT), HEIGHT - 10.0], "middle", &self.across.label);
        for line in &self.lines {
            let points: Vec<String> =
                line.points.iter().map(|(x, y)| format!("{:.1},{:.1}", self.x(*x), canvas.y(*y))).collect();
            let broken = if line.is_broken { " stroke-dasharray=\"6 4\"" } else { "" };
            let colour = COLOURS[line.colour % COLOURS.len()];
            let _ = writeln!(
                canvas.body,
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"{broken} points=\"{}\"/>",
                points.join(" ")
            );
        }
        let mut marks: Vec<Mark<'_>> = self.lines.iter().map(Mark::Line).collect();
        if !self.shaded.is_empty() {
            marks.push(Mark::Box(&self.shaded_name, "#E8E8E8"));
        }
        canvas.legend(&marks);
        canvas.finish()
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + self.across.span.share(value) * (WIDTH - LEFT - RIGHT)
    }
}

impl BarChart {
    pub(super) fn svg(&self) -> String {
        let mut canvas = Canvas::new(&self.title, &self.up);
        canvas.grid();
        let group_width = (WIDTH - LEFT - RIGHT) / self.groups.len().max(1) as f64;
        let bar_width = 0.8 * group_width / self.bars.len().max(1) as f64;
        for (group, name) in self.groups.iter().enumerate() {
            let middle = LEFT + (group as f64 + 0.5) * group_width;
            canvas.label([middle, HEIGHT - BOTTOM + 20.0], "middle", name);
            for (number, bars) in self.bars.iter().enumerate() {
                let left = middle - 0.4 * group_width + number as f64 * bar_width;
                let Some(value) = bars.values.get(group).copied().flatten() else {
                    canvas.label([left + 0.5 * bar_width, canvas.y(self.up.span.low) - 4.0], "middle", "–");
                    continue;
                };
                let zero = canvas.y(0.0_f64.clamp(self.up.span.low, self.up.span.high));
                let (top, bottom) = (canvas.y(value).min(zero), canvas.y(value).max(zero));
                let height = (bottom - top).max(1.0);
                canvas.rectangle([left, top, bar_width - 1.5, height], COLOURS[number % COLOURS.len()]);
            }
        }
        let colours = COLOURS.iter().cycle();
        let marks: Vec<Mark<'_>> =
            self.bars.iter().zip(colours).map(|(bars, colour)| Mark::Box(&bars.name, colour)).collect();
        canvas.legend(&marks);
        canvas.finish()
    }
}

/// A chart under construction.
struct Canvas<'a> {
    body: String,
    up: &'a Axis,
}

impl<'a> Canvas<'a> {
    fn new(title: &str, up: &'a Axis) -> Self {
        let body = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
             font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
             <title>{title}</title>\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#FFFFFF\"/>\n\
             <text x=\"{LEFT}\" y=\"26\" font-size=\"17\" font-weight=\"600\" fill=\"#202020\">{title}</text>\n",
            title = escaped(title)
        );
        Self { body, up }
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.up.span.share(value) * (HEIGHT - TOP - BOTTOM)
    }

    /// Lines across at round values, with the values and what they are.
    fn grid(&mut self) {
        for tick in self.up.span.ticks() {
            let y = self.y(tick);
            let _ = writeln!(
                self.body,
                "<line x1=\"{LEFT}\" y1=\"{y:.1}\" x2=\"{:.1}\" y2=\"{y:.1}\" stroke=\"#D0D0D0\"/>",
                WIDTH - RIGHT
            );
            self.label([LEFT - 8.0, y + 4.5], "end", &number(tick));
        }
        let middle = 0.5 * (TOP + HEIGHT - BOTTOM);
        let _ = writeln!(
            self.body,
            "<text transform=\"translate(16 {middle:.1}) rotate(-90)\" text-anchor=\"middle\" fill=\"#404040\">{}</text>",
            escaped(&self.up.label)
        );
    }

    fn rectangle(&mut self, [x, y, width, height]: [f64; 4], colour: &str) {
        let _ = writeln!(
            self.body,
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\" stroke=\"none\"/>"
        );
    }

    fn label(&mut self, [x, y]: [f64; 2], anchor: &str, text: &str) {
        let text = escaped(text);
        let _ = writeln!(
            self.body,
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"#404040\">{text}</text>"
        );
    }

    /// What each colour is, in a row under the title.
    fn legend(&mut self, marks: &[Mark<'_>]) {
        let mut x = LEFT;
        for mark in marks {
            let name = match mark {
                Mark::Line(line) => {
                    let broken = if line.is_broken { " stroke-dasharray=\"6 4\"" } else { "" };
                    let colour = COLOURS[line.colour % COLOURS.len()];
                    let _ = writeln!(
                        self.body,
                        "<line x1=\"{x:.1}\" y1=\"46\" x2=\"{:.1}\" y2=\"46\" stroke=\"{colour}\" stroke-width=\"3\"{broken}/>",
                        x + 22.0
                    );
                    line.name.as_str()
                }
                Mark::Box(name, colour) => {
                    self.rectangle([x + 4.0, 39.0, 14.0, 14.0], colour);
                    *name
                }
            };
            self.label([x + 28.0, 50.5], "start", name);
            x += MARK + LETTER * name.chars().count() as f64;
        }
    }

    fn finish(mut self) -> String {
        self.body.push_str("</svg>\n");
        self.body
    }
}

/// A tick's value without noise from rounding.
fn number(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within_their_range() {
        let span = Span::of([0.03, 0.87].into_iter());
        assert_eq!((span.low, span.high), (0.0, 1.0));
        let ticks: Vec<String> = span.ticks().into_iter().map(number).collect();
        assert_eq!(ticks, ["0", "0.2", "0.4", "0.6", "0.8", "1"].map(str::to_owned));
        assert_eq!(Span::of([3.0].into_iter()), Span { low: 3.0, high: 4.0 });
        assert_eq!(Span::of([f64::NAN].into_iter()), Span { low: 0.0, high: 1.0 });
        assert_eq!(number(-0.0), "0");
    }

    #[test]
    fn charts_draw_what_they_are_given_within_their_frame() {
        let up = || Axis { label: "weight".to_owned(), span: Span { low: 0.0, high: 1.0 } };
        let chart = LineChart {
            title: "a < b & c".to_owned(),
            across: Axis { label: "seconds".to_owned(), span: Span { low: 0.0, high: 2.0 } },
            up: up(),
            shaded: vec![(-1.0, 0.5)],
            shaded_name: "nothing is said".to_owned(),
            lines: vec![Line {
                name: "take".to_owned(),
                points: vec![(0.0, 0.0), (1.0, 1.0), (2.0, 9.0)],
                colour: 0,
                is_broken: false,
            }],
        };
        let svg = chart.svg();
        assert!(
            svg.contains("a &lt; b &amp; c") && svg.contains("points=\"64.0,308.0 500.0,72.0 936.0,72.0\"")
        );
        assert_eq!((svg.matches("<svg").count(), svg.matches("</svg>").count()), (1, 1));
        let bars = Bars { name: "take".to_owned(), values: vec![Some(0.5), None] };
        let groups = vec!["lip_sync".to_owned(), "closures".to_owned()];
        let svg = BarChart { title: "terms".to_owned(), up: up(), groups, bars: vec![bars] }.svg();
        assert!(svg.contains("height=\"118.0\"") && svg.contains(">–<"), "{svg}");
    }
}
