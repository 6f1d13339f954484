//! What drawing costs, counted before it is done: the same way through the tree as the renderer goes, with the sizes it
//! will use, until a budget is spent.

use resvg::{tiny_skia, usvg};
use tiny_skia::{PathSegment, Point, Transform};

use crate::pictures::PictureError;

/// Most pixels that are painted, put together or cleared, those of an edge counted eightfold. About two seconds.
const MOST_WORK: f64 = 600e6;

/// Most memory of layers that are there at the same time, in bytes.
const MOST_LAYERS: f64 = 128e6;

/// Most dashes of all strokes.
const MOST_DASHES: f64 = 50_000.0;

/// Pixels that the renderer draws at most of a layer, in canvases: layers may reach over the edge.
const OVER_THE_EDGE: f64 = 5.0;

/// Refuses a picture that takes too much to draw at `scale` on a canvas of that size.
pub fn check(tree: &usvg::Tree, scale: Transform, canvas: (u32, u32)) -> Result<(), PictureError> {
    let mut cost = Cost {
        canvas: (f64::from(canvas.0), f64::from(canvas.1)),
        work: MOST_WORK,
        dashes: MOST_DASHES,
    };
    cost.children(tree.root(), scale, MOST_LAYERS)
        .ok_or(PictureError::TooLarge)
}

/// What is left. `None`: not enough.
struct Cost {
    canvas: (f64, f64),
    work: f64,
    dashes: f64,
}

fn spend(budget: &mut f64, cost: f64) -> Option<()> {
    *budget -= cost;
    // Not so of what is not a number.
    (*budget >= 0.0).then_some(())
}

impl Cost {
    /// `layers`: the memory that is left for layers inside this group.
    fn children(&mut self, group: &usvg::Group, transform: Transform, layers: f64) -> Option<()> {
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => self.group(group, transform, layers)?,
                usvg::Node::Path(path) => self.path(path, transform)?,
                // There are none, and what cannot be counted is not drawn.
                usvg::Node::Image(_) | usvg::Node::Text(_) => return None,
            }
        }
        Some(())
    }

    fn group(&mut self, group: &usvg::Group, transform: Transform, layers: f64) -> Option<()> {
        let transform = transform.pre_concat(group.transform());
        if !group.should_isolate() {
            return self.children(group, transform, layers);
        }
        let bounds = group.layer_bounding_box().to_rect().transform(transform);
        let pixels = self.pixels(bounds);
        let layers = self.layer(pixels, layers)?;
        self.children(group, transform, layers)?;
        let mut clip = group.clip_path();
        while let Some(path) = clip {
            let layers = self.layer(pixels, layers)?;
            self.clips(path.root(), transform.pre_concat(path.transform()), pixels, layers)?;
            clip = path.clip_path();
        }
        let mut mask = group.mask();
        while let Some(shown) = mask {
            let layers = self.layer(2.0 * pixels, layers)?;
            self.children(shown.root(), transform, layers)?;
            mask = shown.mask();
        }
        Some(())
    }

    /// Inside a clip path, groups have layers when they are clipped themselves.
    fn clips(
        &mut self,
        group: &usvg::Group,
        transform: Transform,
        pixels: f64,
        layers: f64,
    ) -> Option<()> {
        for node in group.children() {
            match node {
                usvg::Node::Group(group) => {
                    let transform = transform.pre_concat(group.transform());
                    let mut layers = layers;
                    let mut clip = group.clip_path();
                    while let Some(path) = clip {
                        layers = self.layer(2.0 * pixels, layers)?;
                        let inner = transform.pre_concat(path.transform());
                        self.clips(path.root(), inner, pixels, layers)?;
                        clip = path.clip_path();
                    }
                    self.clips(group, transform, pixels, layers)?;
                }
                usvg::Node::Path(path) => self.path(path, transform)?,
                usvg::Node::Image(_) | usvg::Node::Text(_) => return None,
            }
        }
        Some(())
    }

    /// A layer of so many pixels: cleared, painted and put onto the one below. Answers the memory that is left.
    fn layer(&mut self, pixels: f64, layers: f64) -> Option<f64> {
        spend(&mut self.work, 2.0 * pixels)?;
        let left = layers - 4.0 * pixels;
        (left >= 0.0).then_some(left)
    }

    fn path(&mut self, path: &usvg::Path, transform: Transform) -> Option<()> {
        if !path.is_visible() {
            return spend(&mut self.work, 1.0);
        }
        let bounds = path.stroke_bounding_box().transform(transform);
        let pixels = self.pixels(bounds);
        let filled = path.fill().map_or(0.0, |_| pixels);
        let scale = f64::from(transform.get_scale().1);
        let edge = Edge::of(path.data());
        // An edge is followed row by row, and no further than the canvas goes.
        let most_rows = edge.segments * self.canvas.1 * OVER_THE_EDGE;
        let rows = 8.0 * (edge.segments + (edge.length * scale).min(most_rows));
        let Some(stroke) = path.stroke() else {
            return spend(&mut self.work, filled + rows);
        };
        spend(&mut self.work, filled + pixels + 4.0 * rows)?;
        let Some(dashes) = stroke.dasharray() else {
            return Some(());
        };
        let interval: f64 = dashes.iter().copied().map(f64::from).sum();
        if interval <= 0.0 {
            return Some(());
        }
        let count = u32::try_from(dashes.len()).map_or(f64::MAX, f64::from);
        spend(&mut self.dashes, count + edge.length / interval * count)
    }

    /// How many pixels of something are drawn.
    fn pixels(&self, bounds: Option<tiny_skia::Rect>) -> f64 {
        let (width, height) = self.canvas;
        let (wide, high) = bounds.map_or((f64::MAX, f64::MAX), |bounds| {
            (f64::from(bounds.width()) + 4.0, f64::from(bounds.height()) + 4.0)
        });
        wide.min(width * OVER_THE_EDGE) * high.min(height * OVER_THE_EDGE)
    }
}

/// The line around a shape; curves are shorter than the points that pull them.
struct Edge {
    segments: f64,
    length: f64,
}

impl Edge {
    fn of(path: &tiny_skia::Path) -> Self {
        let mut edge = Self {
            segments: 0.0,
            length: 0.0,
        };
        let (mut start, mut at) = (Point::zero(), Point::zero());
        let distance = |from: Point, to: Point| f64::from(from.distance(to));
        for segment in path.segments() {
            edge.segments += 1.0;
            let (length, next) = match segment {
                PathSegment::MoveTo(to) => {
                    start = to;
                    (0.0, to)
                }
                PathSegment::LineTo(to) => (distance(at, to), to),
                PathSegment::QuadTo(pull, to) => (distance(at, pull) + distance(pull, to), to),
                PathSegment::CubicTo(first, second, to) => {
                    let inner = distance(first, second) + distance(second, to);
                    (distance(at, first) + inner, to)
                }
                PathSegment::Close => (distance(at, start), start),
            };
            edge.length += length;
            at = next;
        }
        edge
    }
}
