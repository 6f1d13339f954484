//! What drawing costs, counted before it is done: along the renderer's path through the tree, with the sizes it will
//! use, until a budget is spent.

use resvg::tiny_skia::{self, PathSegment, Point, Rect, Transform};
use resvg::usvg::{self, ClipPath, Group, Node, Paint, Path};

use crate::files::pictures::PictureError;

/// The most pixels that are painted, composed or cleared. About two seconds.
const MOST_WORK: f64 = 600e6;

/// The cost of a row of an edge, in pixels. Lines have two edges, which cross those of their neighbours.
const ROW_OF_SHAPE: f64 = 32.0;
const ROW_OF_LINE: f64 = 256.0;

/// The most memory of layers that exist at the same time, in bytes.
const MOST_LAYERS: f64 = 128e6;

/// The most dashes of all strokes.
const MOST_DASHES: f64 = 50_000.0;

/// The longest sides of a layer, in sides of the canvas: layers may reach beyond the edge.
const OVER_THE_EDGE: f64 = 5.0;

/// Refuses a picture that costs too much to draw at `scale` on a canvas of that size.
pub fn check(tree: &usvg::Tree, scale: Transform, canvas: (u32, u32)) -> Result<(), PictureError> {
    let (width, height) = (f64::from(canvas.0), f64::from(canvas.1));
    let mut cost = Cost {
        largest: (width * OVER_THE_EDGE, height * OVER_THE_EDGE),
        work: MOST_WORK,
        dashes: MOST_DASHES,
    };
    let canvas = Ground {
        width,
        height,
        is_layer: false,
        memory: MOST_LAYERS,
    };
    cost.children(tree.root(), scale, canvas)
        .ok_or(PictureError::TooLarge)
}

/// What is drawn on: the canvas, or a layer.
#[derive(Clone, Copy)]
struct Ground {
    width: f64,
    height: f64,
    /// A layer lies around what is drawn on it, wherever that is.
    is_layer: bool,
    /// Bytes that are left for layers above it.
    memory: f64,
}

impl Ground {
    /// How many of its pixels something covers.
    fn covered(&self, bounds: Option<Rect>) -> f64 {
        let Some(bounds) = bounds else {
            return self.width * self.height;
        };
        let along = |from: f32, to: f32, side: f64| {
            let (from, to) = (f64::from(from) - 2.0, f64::from(to) + 2.0);
            if self.is_layer {
                (to - from).min(side)
            } else {
                (to.min(side) - from.max(0.0)).max(0.0)
            }
        };
        along(bounds.left(), bounds.right(), self.width)
            * along(bounds.top(), bounds.bottom(), self.height)
    }
}

/// The budget that is left. `None`: not enough.
struct Cost {
    /// The size of the largest layer.
    largest: (f64, f64),
    work: f64,
    dashes: f64,
}

fn spend(budget: &mut f64, cost: f64) -> Option<()> {
    *budget -= cost;
    // False for NaN.
    (*budget >= 0.0).then_some(())
}

impl Cost {
    fn children(&mut self, group: &Group, transform: Transform, ground: Ground) -> Option<()> {
        for node in group.children() {
            match node {
                Node::Group(group) => self.group(group, transform, ground)?,
                Node::Path(path) => self.path(path, transform, ground)?,
                // There are none here, and what cannot be counted is not drawn.
                Node::Image(_) | Node::Text(_) => return None,
            }
        }
        Some(())
    }

    fn group(&mut self, group: &Group, transform: Transform, ground: Ground) -> Option<()> {
        let transform = transform.pre_concat(group.transform());
        if !group.should_isolate() {
            return self.children(group, transform, ground);
        }
        let bounds = group.layer_bounding_box().to_rect().transform(transform)?;
        let layer = Ground {
            width: (f64::from(bounds.width()) + 4.0).min(self.largest.0),
            height: (f64::from(bounds.height()) + 4.0).min(self.largest.1),
            is_layer: true,
            memory: ground.memory,
        };
        let layer = self.layer(layer)?;
        self.children(group, transform, layer)?;
        if let Some(clip) = group.clip_path() {
            self.clip(clip, transform, layer)?;
        }
        let mut mask = group.mask();
        while let Some(shown) = mask {
            let two = self.layer(layer)?;
            let two = self.layer(two)?;
            self.children(shown.root(), transform, two)?;
            mask = shown.mask();
        }
        Some(())
    }

    fn clip(&mut self, clip: &ClipPath, transform: Transform, ground: Ground) -> Option<()> {
        let ground = self.layer(ground)?;
        self.clipping(clip.root(), transform.pre_concat(clip.transform()), ground)?;
        match clip.clip_path() {
            Some(clip) => self.clip(clip, transform, ground),
            None => Some(()),
        }
    }

    /// The inside of a clip path: groups have layers if they are clipped themselves.
    fn clipping(&mut self, group: &Group, transform: Transform, ground: Ground) -> Option<()> {
        for node in group.children() {
            match node {
                Node::Group(group) => {
                    let transform = transform.pre_concat(group.transform());
                    let mut ground = ground;
                    if let Some(clip) = group.clip_path() {
                        ground = self.layer(ground)?;
                        self.clip(clip, transform, ground)?;
                    }
                    self.clipping(group, transform, ground)?;
                }
                Node::Path(path) => self.path(path, transform, ground)?,
                Node::Image(_) | Node::Text(_) => return None,
            }
        }
        Some(())
    }

    /// A layer as large as `ground`: cleared, painted and composed onto what is below.
    fn layer(&mut self, ground: Ground) -> Option<Ground> {
        let pixels = ground.width * ground.height;
        spend(&mut self.work, 2.0 * pixels)?;
        let memory = ground.memory - 4.0 * pixels;
        (memory >= 0.0).then_some(Ground { memory, ..ground })
    }

    fn path(&mut self, path: &Path, transform: Transform, ground: Ground) -> Option<()> {
        if !path.is_visible() {
            return spend(&mut self.work, 1.0);
        }
        let pixels = ground.covered(path.stroke_bounding_box().transform(transform));
        let filled = path
            .fill()
            .map_or(0.0, |fill| pixels * weight(fill.paint()));
        let (across, down) = transform.get_scale();
        let scale = f64::from(across.max(down));
        let edge = Edge::of(path.data());
        // An edge is followed row by row, and no further than the ground reaches.
        let most_rows = edge.segments * ground.height;
        let rows = edge.segments + (edge.length * scale).min(most_rows);
        let Some(stroke) = path.stroke() else {
            return spend(&mut self.work, filled + rows * ROW_OF_SHAPE);
        };
        let stroked = pixels * weight(stroke.paint());
        spend(&mut self.work, filled + stroked + rows * ROW_OF_LINE)?;
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
}

/// The cost of a pixel: the stops of a gradient are tried one by one.
fn weight(paint: &Paint) -> f64 {
    let stops = match paint {
        Paint::Color(_) => 0,
        Paint::LinearGradient(gradient) => gradient.stops().len(),
        Paint::RadialGradient(gradient) => gradient.stops().len(),
        // There are none here, and what cannot be counted is not drawn.
        Paint::Pattern(_) => return f64::INFINITY,
    };
    u32::try_from(stops).map_or(f64::INFINITY, |stops| 1.0 + f64::from(stops) / 4.0)
}

/// The outline of a shape; curves are shorter than the lines through their control points.
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
