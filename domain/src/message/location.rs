//! Where a message was sent from: a point of `GeoJSON` (contract, messages 2).

use serde_json::Value;

use super::{MessageRefusal, attachments};

/// Refuses what is no place on Earth.
pub(super) fn check(location: &Value) -> Result<(), MessageRefusal> {
    let kind = location.get("type").and_then(Value::as_str);
    let coordinates = location.get("coordinates").and_then(Value::as_array);
    let coordinates = coordinates.map_or(&[][..], Vec::as_slice);
    let number = |value: &Value| value.as_f64().filter(|number| number.is_finite());
    let fits = match coordinates {
        [longitude, latitude, height @ ..] if height.len() <= 1 => {
            let within = |value, most: f64| number(value).is_some_and(|it| it.abs() <= most);
            within(longitude, 180.0)
                && within(latitude, 90.0)
                && height.iter().all(Value::is_number)
        }
        _ => false,
    };
    if kind != Some("Point") || !fits {
        return Err(MessageRefusal::InvalidShape { key: "location" });
    }
    attachments::harmless(std::slice::from_ref(location))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_location_is_a_point_on_earth() {
        for good in [
            json!({"type": "Point", "coordinates": [13.4, 52.5]}),
            json!({"type": "Point", "coordinates": [-180, 90]}),
            json!({"type": "Point", "coordinates": [0, 0, 8848.9], "name": "up there"}),
        ] {
            assert_eq!(check(&good), Ok(()), "{good}");
        }
        let refused = Err(MessageRefusal::InvalidShape { key: "location" });
        for bad in [
            json!("here"),
            json!({}),
            json!({"type": "Point"}),
            json!({"type": "Point", "coordinates": [1]}),
            json!({"type": "Point", "coordinates": [1, 2, 3, 4]}),
            json!({"type": "Point", "coordinates": ["1", "2"]}),
            json!({"type": "Point", "coordinates": [1, 2, "high"]}),
            json!({"type": "Point", "coordinates": [180.1, 0]}),
            json!({"type": "Point", "coordinates": [0, -90.1]}),
            json!({"type": "Polygon", "coordinates": [[1, 2]]}),
        ] {
            assert_eq!(check(&bad), refused, "{bad}");
        }
        let script = json!({"type": "Point", "coordinates": [1, 2], "url": "javascript:x"});
        assert_eq!(check(&script), Err(MessageRefusal::InvalidLink));
    }
}
