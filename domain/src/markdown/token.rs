//! The small words of a line that have a meaning of their own.

use winnow::Parser;
use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::error::EmptyError;
use winnow::token::{one_of, take_while};

use super::node::{Color, Moment};

type Read<T> = Result<T, EmptyError>;

/// What of a text a grammar takes, and how many bytes that is.
fn read<'a, T>(text: &'a str, grammar: impl FnOnce(&mut &'a str) -> Read<T>) -> Option<(usize, T)> {
    let mut rest = text;
    let value = grammar(&mut rest).ok()?;
    Some((text.len() - rest.len(), value))
}

fn name<'a>(text: &mut &'a str) -> Read<&'a str> {
    let letter = |c: char| is_name(c);
    take_while(1.., letter).parse_next(text)
}

/// Letters and decimal digits of any script, and what else names are made of.
fn is_name(character: char) -> bool {
    match character {
        '_' | '-' | '.' => true,
        _ if character.is_ascii() => character.is_ascii_alphanumeric(),
        _ => character.is_alphabetic(),
    }
}

/// `@somebody`, `@somebody:there` or `@somebody@there`: the name.
pub(super) fn user(text: &str) -> Option<(usize, &str)> {
    read(text, |text| {
        let there = (one_of(['@', ':']), name);
        preceded(take_while(1..=3, '@'), (name, opt(there)).take()).parse_next(text)
    })
    // `__@somebody__`
    .filter(|(_, name)| !name.ends_with("__"))
}

/// `#somewhere`: the name.
pub(super) fn channel(text: &str) -> Option<(usize, &str)> {
    read(text, |text| preceded('#', name).parse_next(text))
}

/// `color:#1e90ff`, if nothing follows that would make it part of a word.
pub(super) fn color(text: &str) -> Option<(usize, Color)> {
    let (length, digits) = read(text, |text| {
        let hex = take_while(3..=9, |c: char| c.is_ascii_hexdigit());
        preceded("color:#", hex).parse_next(text)
    })?;
    let next = text[length..].chars().next();
    let ends = next.is_none_or(|c| "()*[\\]^_`{|}~\t\n\r".contains(c));
    let digit = |at: usize| u8::from_str_radix(digits.get(at..=at)?, 16).ok();
    let channel = |at: usize| match digits.len() {
        3 | 4 => Some(digit(at)? * 17),
        6 | 8 => Some(digit(at * 2)? * 16 + digit(at * 2 + 1)?),
        _ => None,
    };
    let [r, g, b] = [channel(0)?, channel(1)?, channel(2)?];
    let opaque = matches!(digits.len(), 3 | 6);
    let a = if opaque { 255 } else { channel(3)? };
    ends.then_some((length, Color { r, g, b, a }))
}

/// Digits of a telephone number with its country, `+491701234567` or `+(49)170-1234567`: at least so many.
pub(super) fn phone(text: &str, least: usize) -> Option<(usize, String)> {
    let digits = |text: &mut &str| -> Read<()> {
        take_while(1..=20, |c: char| c.is_ascii_digit())
            .void()
            .parse_next(text)
    };
    let (length, ()) = read(text, |text| {
        let country = (delimited('(', digits, ')'), opt('-')).void();
        let more = opt(preceded('-', digits));
        ('+', opt(country), digits, more).void().parse_next(text)
    })?;
    let digits: String = text[..length]
        .chars()
        .filter(char::is_ascii_digit)
        .collect();
    (digits.len() >= least).then_some((length, digits))
}

/// `<t:1630360800:R>`, or with a date such as `2026-01-31T10:00:00+01:00`.
pub(super) fn moment(text: &str) -> Option<(usize, Moment)> {
    let (length, (seconds, format)) = read(text, |text| {
        let format = preceded(':', one_of(['t', 'T', 'd', 'D', 'f', 'F', 'R']));
        let time = alt((date, epoch));
        delimited("<t:", (time, opt(format)), '>').parse_next(text)
    })?;
    let moment = Moment {
        timestamp: seconds.to_string(),
        format: format.unwrap_or('t'),
    };
    Some((length, moment))
}

fn number(text: &mut &str, digits: usize) -> Read<i64> {
    take_while(digits..=digits, |c: char| c.is_ascii_digit())
        .parse_to()
        .parse_next(text)
}

fn epoch(text: &mut &str) -> Read<i64> {
    number(text, 10)
}

/// A date and time; without an offset, in the zone of the server, which is UTC.
fn date(text: &mut &str) -> Read<i64> {
    let [year, month, day] = [(4, '-'), (2, '-'), (2, 'T')].map(|part| followed(text, part));
    let hours = followed(text, (2, ':'));
    let minutes = followed(text, (2, ':'));
    let seconds = number(text, 2)?;
    opt(('.', take_while(3..=3, |c: char| c.is_ascii_digit())).void()).parse_next(text)?;
    let offset = opt(offset).parse_next(text)?.unwrap_or(0);
    let days = days(year?, month?, day?).ok_or(EmptyError)?;
    let (hours, minutes) = (hours?, minutes?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return Err(EmptyError);
    }
    Ok(days * 86_400 + hours * 3_600 + minutes * 60 + seconds - offset)
}

fn followed(text: &mut &str, (digits, by): (usize, char)) -> Read<i64> {
    let value = number(text, digits)?;
    by.void().parse_next(text)?;
    Ok(value)
}

/// Seconds ahead of UTC.
fn offset(text: &mut &str) -> Read<i64> {
    let sign = one_of(['+', '-']).parse_next(text)?;
    let hours = followed(text, (2, ':'))?;
    let seconds = hours * 3_600 + number(text, 2)? * 60;
    Ok(if sign == '-' { -seconds } else { seconds })
}

/// Days since 1970 in the calendar of today, if there is such a day.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [
        31,
        if leap { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let before = usize::try_from(month - 1).ok()?;
    let length = *lengths.get(before)?;
    let this_year: i64 = lengths[..before].iter().sum();
    let past = year - 1;
    let years = past * 365 + past / 4 - past / 100 + past / 400 - 719_162;
    (1..=length)
        .contains(&day)
        .then(|| years + this_year + day - 1)
}

/// `- [ ] ` and such: how a task begins, and whether it is done.
pub(super) fn task(text: &str) -> Option<(usize, bool)> {
    read(text, |text| {
        let mark = alt((' '.value(false), 'x'.value(true)));
        let blank = take_while(1.., [' ', '\t']);
        delimited("- [", mark, (']', blank)).parse_next(text)
    })
}

/// `12. `: how an item of an ordered list begins, and its number.
pub(super) fn number_of_item(text: &str) -> Option<(usize, u64)> {
    read(text, |text| {
        let digits = take_while(1..=15, |c: char| c.is_ascii_digit());
        let number = digits.parse_to().parse_next(text)?;
        ('.', take_while(1.., [' ', '\t']))
            .void()
            .parse_next(text)?;
        Ok(number)
    })
}

/// The row under the header of a table: for each column `Some` alignment, or none.
pub(super) fn alignments(text: &str) -> Option<(usize, Vec<(bool, bool)>)> {
    read(text, |text| {
        let blank = || take_while(0.., [' ', '\t']);
        let colon = || opt(':').map(|colon| colon.is_some());
        let column = (colon(), take_while(1.., '-'), colon());
        let column = delimited(blank(), column, (blank(), '|'));
        let columns = repeat(1.., column.map(|(left, _, right)| (left, right)));
        preceded('|', columns).parse_next(text)
    })
}
