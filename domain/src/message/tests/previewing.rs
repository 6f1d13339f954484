//! Previews of links.

use super::*;

const A: &str = "https://a.example";
const B: &str = "http://b.example/x";

#[test]
fn links_are_previewed_once_each() {
    let stage = Stage::default();
    given::<Message>([posted_by("me", linking(&[A, B])).into()])
        .when(preview(&[A]), &stage.message())
        .then([previewed(&[A])]);
    given::<Message>([posted_by("me", linking(&[A, B])).into(), previewed(&[A])])
        .when(preview(&[A, B]), &stage.message())
        .then([previewed(&[B])]);
    given::<Message>([posted_by("me", linking(&[A])).into(), previewed(&[A])])
        .when(preview(&[A]), &stage.message())
        .then_nothing();
}

#[test]
fn links_that_are_there_no_more_are_not_previewed() {
    let stage = Stage::default();
    given::<Message>([posted_by("me", linking(&[A])).into(), edited(linking(&[B]))])
        .when(preview(&[A]), &stage.message())
        .then_nothing();
    gone().when(preview(&[A]), &stage.message()).then_nothing();
    nothing()
        .when(preview(&[A]), &stage.message())
        .then_nothing();
}

#[test]
fn a_link_that_comes_back_is_looked_up_again() {
    let said = || posted_by("me", linking(&[A])).into();
    let edits = [linking(&[B]), linking(&[A])].map(edited);
    given::<Message>([said(), previewed(&[A])].into_iter().chain(edits))
        .when(preview(&[A]), &Stage::default().message())
        .then([previewed(&[A])]);
}

#[test]
fn which_links_are_to_be_previewed() {
    let many = [
        "https://1",
        "https://2",
        "https://3",
        "https://4",
        "https://5",
        "https://6",
    ];
    for (what, content, wanted) in [
        ("both", linking(&[A, B]), &[A, B][..]),
        ("five at most", linking(&many), &many[..5]),
        (
            "up to one that leads elsewhere",
            linking(&[A, "ftp://c", B]),
            &[A],
        ),
        (
            "those chosen",
            Content {
                previewed: Some(vec![B.to_owned()]),
                ..linking(&[A, B])
            },
            &[B],
        ),
        (
            "none beside attachments",
            Content {
                attachments: Some(vec![json!({})]),
                ..linking(&[A])
            },
            &[],
        ),
        (
            "none beside quotes",
            Content {
                quoted: vec![B.to_owned()],
                ..linking(&[A, B])
            },
            &[],
        ),
        ("none where none were looked for", content("look"), &[]),
    ] {
        assert_eq!(content.to_preview().collect::<Vec<_>>(), wanted, "{what}");
    }
}
