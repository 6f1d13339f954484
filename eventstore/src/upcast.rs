//! Upcasters: old shapes of event data to current ones, on read. The log keeps the old bytes.

/// What became of stored data.
#[derive(Debug, PartialEq, Eq)]
pub enum Upcast {
    /// Already of the current shape.
    Current,
    /// Rewritten.
    Changed {
        /// The current name of the event.
        event_type: &'static str,
        /// The number of the current shape.
        schema: u16,
        /// Its data in the current shape.
        data: Vec<u8>,
    },
}

/// One step: data of `event_type` in shape `from` to the next shape.
struct Upcaster {
    event_type: &'static str,
    from: u16,
    /// The name after the step; the same unless the event was renamed.
    becomes: &'static str,
    step: fn(rmpv::Value) -> Result<rmpv::Value, String>,
}

/// Every upcaster, one per old shape.
const UPCASTERS: &[Upcaster] = &[];

/// Brings data of `event_type` in shape `schema` to the current shape, step by step.
pub fn to_current(event_type: &str, schema: u16, data: &[u8]) -> Result<Upcast, String> {
    run(UPCASTERS, event_type, schema, data)
}

fn run(
    upcasters: &[Upcaster],
    event_type: &str,
    schema: u16,
    data: &[u8],
) -> Result<Upcast, String> {
    let find = |event_type: &str, from: u16| {
        upcasters
            .iter()
            .find(|upcaster| upcaster.event_type == event_type && upcaster.from == from)
    };
    let Some(mut upcaster) = find(event_type, schema) else {
        return Ok(Upcast::Current);
    };
    let mut value = rmpv::decode::read_value(&mut &data[..]).map_err(|error| error.to_string())?;
    let mut schema = schema;
    let current = loop {
        value = (upcaster.step)(value)?;
        schema = schema
            .checked_add(1)
            .ok_or("no shape has so high a number")?;
        match find(upcaster.becomes, schema) {
            Some(next) => upcaster = next,
            None => break upcaster.becomes,
        }
    };
    let mut data = Vec::new();
    rmpv::encode::write_value(&mut data, &value).map_err(|error| error.to_string())?;
    Ok(Upcast::Changed {
        event_type: current,
        schema,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmpv::Value;

    fn bytes(value: &Value) -> Vec<u8> {
        let mut data = Vec::new();
        rmpv::encode::write_value(&mut data, value).unwrap();
        data
    }

    #[test]
    fn shapes_are_brought_up_step_by_step() {
        let wrap = |value| Ok(Value::Map(vec![("was".into(), value)]));
        let steps = [
            Upcaster {
                event_type: "Old",
                from: 1,
                becomes: "Old",
                step: wrap,
            },
            Upcaster {
                event_type: "Old",
                from: 2,
                becomes: "New",
                step: wrap,
            },
        ];
        let twice = Value::Map(vec![(
            "was".into(),
            Value::Map(vec![("was".into(), 7.into())]),
        )]);
        assert_eq!(
            run(&steps, "Old", 1, &bytes(&7.into())),
            Ok(Upcast::Changed {
                event_type: "New",
                schema: 3,
                data: bytes(&twice)
            })
        );
    }

    #[test]
    fn current_shapes_are_left_alone() {
        assert_eq!(run(&[], "Any", 3, &[0xc1]), Ok(Upcast::Current));
    }
}
