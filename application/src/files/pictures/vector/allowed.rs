//! What is let through of an SVG: it is parsed, and written again with the elements and attributes that are listed
//! here. Everything else is left out, and nothing that is let through refers to anything outside the document.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;

use roxmltree::{Document, Node, ParsingOptions};
use simplecss::{AttributeOperator, DeclarationTokenizer, PseudoClass, StyleSheet};

use crate::files::pictures::PictureError;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";

/// The most elements of a picture, and the most if everything referred to is written out in each place.
const MOST_ELEMENTS: usize = 5_000;
const MOST_WRITTEN_OUT: usize = 20_000;

/// Deepest nesting, references followed.
const DEEPEST: usize = 64;

/// The most attributes of an element. Each is compared with each other one.
const MOST_ATTRIBUTES: usize = 500;

/// The most rules of style sheets. Each is tried on each element.
const MOST_RULES: usize = 500;

/// Shapes, what groups them, and what they are painted with. Not: what repeats (patterns, markers), computes (filters),
/// loads (pictures), needs fonts, scripts or animates.
const ELEMENTS: [&str; 21] = [
    "a",
    "circle",
    "clipPath",
    "defs",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "mask",
    "path",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "svg",
    "switch",
    "symbol",
    "use",
    // These draw nothing themselves, but rules may name them as siblings.
    "desc",
    "title",
];

/// What only an attribute can set.
const ATTRIBUTES: [&str; 33] = [
    "clipPathUnits",
    "cx",
    "cy",
    "d",
    "fr",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "id",
    "maskContentUnits",
    "maskUnits",
    "offset",
    "pathLength",
    "points",
    "preserveAspectRatio",
    "r",
    "refX",
    "refY",
    "rx",
    "ry",
    "spreadMethod",
    "transform",
    "version",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// What both attributes and styles can set.
const PROPERTIES: [&str; 26] = [
    "clip-path",
    "clip-rule",
    "color",
    "display",
    "fill",
    "fill-opacity",
    "fill-rule",
    "font-size",
    "mask",
    "mask-type",
    "opacity",
    "overflow",
    "paint-order",
    "shape-rendering",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-dasharray",
    "stroke-dashoffset",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "transform-origin",
    "visibility",
];

/// Elements that may refer to another one by `href`.
const REFERRING: [&str; 3] = ["linearGradient", "radialGradient", "use"];

/// The picture with nothing in it but what is listed above.
pub fn rewrite(text: &str) -> Result<String, PictureError> {
    let text = without_doctype(text)?;
    let assignments = |part: &str| part.bytes().filter(|byte| *byte == b'=').count();
    if text
        .split('<')
        .map(assignments)
        .any(|count| count > MOST_ATTRIBUTES)
    {
        return Err(PictureError::TooLarge);
    }
    let options = ParsingOptions {
        // Texts and comments between elements are nodes, too.
        nodes_limit: u32::try_from(4 * MOST_ELEMENTS).unwrap_or(u32::MAX),
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(&text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => PictureError::TooLarge,
        _ => PictureError::Unreadable,
    })?;
    let root = document.root_element();
    if name_of(root) != Some("svg") {
        return Err(PictureError::Unreadable);
    }
    let mut shapes = Shapes::default();
    shapes.add(root, &style_sheet(&document)?, 0)?;
    let mut left = MOST_WRITTEN_OUT;
    shapes.write_out(0, 0, &mut left)?;
    let mut written = String::with_capacity(text.len());
    shapes.write(0, &mut written);
    Ok(written)
}

/// Programs name the document type without meaning anything by it. A declaration with more than a name is about
/// entities, which repeat text.
fn without_doctype(text: &str) -> Result<String, PictureError> {
    let Some(start) = text.find("<!DOCTYPE") else {
        return Ok(text.to_owned());
    };
    let length = text[start..].find('>').ok_or(PictureError::Unreadable)?;
    let (before, declared) = text.split_at(start);
    let (declared, after) = declared.split_at(length + 1);
    if declared.contains('[') {
        return Err(PictureError::TooLarge);
    }
    Ok([before, after].concat())
}

/// The name of an element, if it is listed.
fn name_of(node: Node<'_, '_>) -> Option<&'static str> {
    let tag = node.tag_name();
    if !node.is_element() || !matches!(tag.namespace(), None | Some(SVG)) {
        return None;
    }
    ELEMENTS.into_iter().find(|name| *name == tag.name())
}

/// All rules in the document. Rules under conditions (`@media`, `@import`) are left out.
fn style_sheet<'a>(document: &'a Document<'_>) -> Result<StyleSheet<'a>, PictureError> {
    let mut sheet = StyleSheet::new();
    for node in document.descendants() {
        let is_style = node.is_element()
            && node.tag_name().name() == "style"
            && matches!(node.tag_name().namespace(), None | Some(SVG))
            && matches!(node.attribute("type"), None | Some("text/css"));
        if is_style {
            let rules = node.text().unwrap_or_default();
            let selectors = rules.bytes().filter(|byte| matches!(byte, b'{' | b','));
            if selectors.count() > 4 * MOST_RULES {
                return Err(PictureError::TooLarge);
            }
            sheet.parse_more(rules);
        }
        if sheet.rules.len() > MOST_RULES {
            return Err(PictureError::TooLarge);
        }
    }
    Ok(sheet)
}

/// An element that is let through, with its styles as attributes.
struct Shape<'a> {
    name: &'static str,
    attributes: BTreeMap<&'static str, &'a str>,
    children: Vec<usize>,
}

/// All shapes, parents before their children.
#[derive(Default)]
struct Shapes<'a> {
    all: Vec<Shape<'a>>,
    by_id: HashMap<&'a str, usize>,
}

impl<'a> Shapes<'a> {
    /// Adds an element with its content; returns its index, if it is let through.
    fn add(
        &mut self,
        node: Node<'a, '_>,
        sheet: &StyleSheet<'a>,
        depth: usize,
    ) -> Result<Option<usize>, PictureError> {
        let Some(name) = name_of(node) else {
            return Ok(None);
        };
        if depth > DEEPEST || self.all.len() >= MOST_ELEMENTS {
            return Err(PictureError::TooLarge);
        }
        let at = self.all.len();
        let shape = Shape {
            name,
            attributes: attributes(node, name, sheet),
            children: Vec::new(),
        };
        if let Some(id) = shape.attributes.get("id") {
            self.by_id.entry(id).or_insert(at);
        }
        self.all.push(shape);
        for child in node.children() {
            if let Some(child) = self.add(child, sheet, depth + 1)? {
                self.all[at].children.push(child);
            }
        }
        Ok(Some(at))
    }

    /// Follows the path of a renderer, into everything that is referred to. What refers to itself, by however many
    /// steps, never ends, and is too deep.
    fn write_out(&self, at: usize, depth: usize, left: &mut usize) -> Result<(), PictureError> {
        if depth > DEEPEST || *left == 0 {
            return Err(PictureError::TooLarge);
        }
        *left -= 1;
        let shape = &self.all[at];
        let referred = shape.attributes.values().filter_map(|value| target(value));
        let referred = referred.filter_map(|id| self.by_id.get(id));
        for next in referred.chain(&shape.children) {
            self.write_out(*next, depth + 1, left)?;
        }
        Ok(())
    }

    fn write(&self, at: usize, out: &mut String) {
        let shape = &self.all[at];
        // Writing to a string cannot fail.
        let _ = write!(out, "<{}", shape.name);
        if at == 0 {
            let _ = write!(out, " xmlns=\"{SVG}\"");
        }
        for (name, value) in &shape.attributes {
            let value = html_escape::encode_double_quoted_attribute(value);
            let _ = write!(out, " {name}=\"{value}\"");
        }
        out.push('>');
        for child in &shape.children {
            self.write(*child, out);
        }
        let _ = write!(out, "</{}>", shape.name);
    }
}

/// The attributes and styles of an element; of each, the value that wins.
fn attributes<'a>(
    node: Node<'a, '_>,
    name: &str,
    sheet: &StyleSheet<'a>,
) -> BTreeMap<&'static str, &'a str> {
    let mut kept = BTreeMap::new();
    for attribute in node.attributes() {
        let value = attribute.value();
        match (attribute.namespace(), attribute.name()) {
            (None | Some(XLINK), "href")
                if REFERRING.contains(&name) && value.trim().starts_with('#') =>
            {
                kept.insert("href", value);
            }
            (None, name) => {
                let listed = ATTRIBUTES.iter().chain(&PROPERTIES);
                if let Some(name) = listed.into_iter().find(|listed| **listed == name)
                    && stays_inside(value)
                {
                    kept.insert(name, value);
                }
            }
            _ => {}
        }
    }
    let mut important = Vec::new();
    let rules = sheet.rules.iter();
    let rules = rules.filter(|rule| rule.selector.matches(&Styled(node)));
    let declared = rules.flat_map(|rule| rule.declarations.iter().copied());
    let own = DeclarationTokenizer::from(node.attribute("style").unwrap_or_default());
    for declaration in declared.chain(own) {
        let listed = PROPERTIES.iter().find(|name| **name == declaration.name);
        let Some(name) = listed.filter(|_| stays_inside(declaration.value)) else {
            continue;
        };
        if declaration.important {
            important.push(*name);
        } else if important.contains(name) {
            continue;
        }
        kept.insert(name, declaration.value);
    }
    kept
}

/// Whether everything that a value refers to is in the same document.
fn stays_inside(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    let mut parts = value.split("url(");
    parts.next();
    parts.all(|part| {
        part.trim_start()
            .trim_start_matches(['"', '\''])
            .starts_with('#')
    })
}

/// The id that a value refers to.
fn target(value: &str) -> Option<&str> {
    let value = value.trim();
    if let Some(id) = value.strip_prefix('#') {
        return Some(id);
    }
    let (_, reference) = value.split_once("url(")?;
    let (reference, _) = reference.split_once(')')?;
    let reference = reference.trim().trim_matches(['"', '\'']);
    reference.trim().strip_prefix('#')
}

/// An element as style sheets see it.
struct Styled<'a, 'input>(Node<'a, 'input>);

impl simplecss::Element for Styled<'_, '_> {
    fn parent_element(&self) -> Option<Self> {
        self.0.parent_element().map(Self)
    }

    fn prev_sibling_element(&self) -> Option<Self> {
        self.0.prev_sibling_element().map(Self)
    }

    fn has_local_name(&self, name: &str) -> bool {
        self.0.tag_name().name() == name
    }

    fn attribute_matches(&self, name: &str, operator: AttributeOperator<'_>) -> bool {
        let value = self.0.attribute(name);
        value.is_some_and(|value| operator.matches(value))
    }

    fn pseudo_class_matches(&self, class: PseudoClass<'_>) -> bool {
        matches!(class, PseudoClass::FirstChild) && self.prev_sibling_element().is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(content: &str) -> Result<String, PictureError> {
        let text =
            format!("<svg xmlns='{SVG}' xmlns:xlink='{XLINK}' xmlns:x='{SVG}'>{content}</svg>");
        let written = rewrite(&text)?;
        let start = format!("<svg xmlns=\"{SVG}\">");
        let written = written.strip_prefix(&start).expect("the root");
        Ok(written.strip_suffix("</svg>").expect("its end").to_owned())
    }

    #[test]
    fn what_is_not_listed_is_left_out() {
        for (content, left) in [
            ("<x:filter id='f'><x:feTurbulence/></x:filter>", ""),
            (
                "<g><image href='/dev/zero'/><x:image href='x'/></g>",
                "<g></g>",
            ),
            ("<script>alert(1)</script><foreignObject/>", ""),
            ("<y:rect xmlns:y='http://example.org' width='1'/>", ""),
            ("<rect onload='x' width='1'/>", "<rect width=\"1\"></rect>"),
            ("<use href='file:///etc/passwd'/>", "<use></use>"),
            ("<use xlink:href='other.svg#a'/>", "<use></use>"),
            ("<x:use xlink:href='#a'/>", "<use href=\"#a\"></use>"),
            (
                "<g filter='url(#f)' fill='url(#g)'/>",
                "<g fill=\"url(#g)\"></g>",
            ),
            ("<g fill='url( \"http://a\")'/>", "<g></g>"),
            (
                "<g style='mask:URL(file:/a);fill:red'/>",
                "<g fill=\"red\"></g>",
            ),
            ("<g id='&lt;\"&amp;'/>", "<g id=\"&lt;&quot;&amp;\"></g>"),
        ] {
            assert_eq!(inside(content).as_deref(), Ok(left), "{content}");
        }
    }

    #[test]
    fn styles_become_attributes() {
        let sheet = "<style>.a{fill:red;filter:url(#f)} g .a{stroke:blue} rect{opacity:.5 !important}\
                     @import url(http://a); .b{fill:url(http://a)}</style>";
        for (content, left) in [
            (
                "<rect class='a'/>",
                "<rect fill=\"red\" opacity=\".5\"></rect>",
            ),
            (
                "<rect class='a' fill='green' style='opacity:1;fill:black'/>",
                "<rect fill=\"black\" opacity=\".5\"></rect>",
            ),
            (
                "<g><line class='a b'/></g>",
                "<g><line fill=\"red\" stroke=\"blue\"></line></g>",
            ),
        ] {
            let written = inside(&format!("{sheet}{content}"));
            assert_eq!(written.as_deref(), Ok(left), "{content}");
        }
    }

    #[test]
    fn what_multiplies_or_goes_round_in_circles_is_refused() {
        let doubling = |name: &str, refer: &dyn Fn(usize) -> String| {
            let levels = (1..20).map(|level| {
                let twice = refer(level - 1).repeat(2);
                format!("<{name} id='l{level}'>{twice}</{name}>")
            });
            format!("<g id='l0'/>{}", levels.collect::<String>())
        };
        for content in [
            doubling("g", &|level| format!("<use href='#l{level}'/>")),
            doubling("mask", &|level| format!("<g mask='url(#l{level})'/>")),
            doubling("clipPath", &|level| format!("<g style='clip-path:url(\"#l{level}\")'/>")),
            "<g id='a'><use href='#b'/></g><g id='b'><use href='#c'/></g><g id='c'><use href='#b'/></g>".to_owned(),
            "<linearGradient id='a' href='#b'/><linearGradient id='b' href='#c'/><linearGradient id='c' href='#b'/>"
                .to_owned(),
            "<g>".repeat(120) + &"</g>".repeat(120),
            "<g/>".repeat(MOST_ELEMENTS),
            format!("<style>{}</style>", "a{fill:red}".repeat(MOST_RULES + 1)),
            format!("<style>{}b{{fill:red}}</style>", "a,".repeat(4 * MOST_RULES)),
            format!("<g {}/>", "a=''".repeat(MOST_ATTRIBUTES + 1)),
        ] {
            let shown = &content[..100.min(content.len())];
            assert_eq!(inside(&content), Err(PictureError::TooLarge), "{shown}");
        }
    }

    #[test]
    fn a_document_type_is_only_a_name() {
        let named = "<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'http://www.w3.org/x.dtd'><svg><g/></svg>";
        assert!(rewrite(named).is_ok_and(|written| written.contains("<g>")));
        let declared = "<!DOCTYPE svg [<!ENTITY a '<g/>'>]><svg>&a;</svg>";
        assert_eq!(rewrite(declared), Err(PictureError::TooLarge));
        for declared in [
            "<!DOCTYPE svg PUBLIC '>' [<!ENTITY a 'b'>]><svg/>",
            "<html xmlns='http://www.w3.org/1999/xhtml'><svg/></html>",
            "<svg",
        ] {
            let outcome = rewrite(declared);
            assert_eq!(outcome, Err(PictureError::Unreadable), "{declared}");
        }
    }
}
