//! An answer, read with types: a value of another type than the protocol says counts as not there.

use std::collections::BTreeMap;

use ipp::attribute::IppAttributeGroup;
use ipp::model::DelimiterTag;
use ipp::value::{IppName, IppValue};

use super::error::{IppError, Refusal};
use super::reader;
use crate::model::limits::PRINTER_TEXT_MAX_CHARS;

/// What a printer answered, whole and a success.
#[derive(Debug)]
pub(super) struct Answer {
    groups: Vec<IppAttributeGroup>,
}

impl Answer {
    /// The crate's client calls every answer fine; here only one with a status of success is.
    pub(super) fn read(bytes: &[u8]) -> Result<Answer, IppError> {
        let malformed = |why: String| IppError::Malformed(format!("its answer {why}"));
        let (status, groups) = reader::read(bytes).map_err(malformed)?;
        let answer = Answer { groups };
        if status <= 0x00ff {
            return Ok(answer);
        }
        let message = answer.group(DelimiterTag::OperationAttributes).and_then(|group| group.text("status-message"));
        let unsupported = answer.group(DelimiterTag::UnsupportedAttributes).map(Attributes::names).unwrap_or_default();
        Err(IppError::Refused(Refusal::ipp(status, message.as_deref(), &unsupported)))
    }

    pub(super) fn group(&self, tag: DelimiterTag) -> Option<Attributes<'_>> {
        self.groups(tag).next()
    }

    pub(super) fn groups(&self, tag: DelimiterTag) -> impl Iterator<Item = Attributes<'_>> {
        self.groups.iter().filter(move |group| group.tag() == tag).map(Attributes::Group)
    }
}

/// A group, or a collection in one.
#[derive(Debug, Clone, Copy)]
pub(super) enum Attributes<'a> {
    Group(&'a IppAttributeGroup),
    Collection(&'a BTreeMap<IppName, IppValue>),
}

impl<'a> Attributes<'a> {
    /// All values of an attribute. The crate hands a list with one entry out as the entry alone. Of an attribute that
    /// comes twice the first counts, as for the printer.
    fn values(self, name: &str) -> &'a [IppValue] {
        let value = match self {
            Attributes::Group(group) => group.get(name).map(ipp::attribute::IppAttribute::value),
            Attributes::Collection(map) => map.get(name),
        };
        match value {
            Some(IppValue::Array(values)) => values,
            Some(value) => std::slice::from_ref(value),
            None => &[],
        }
    }

    pub(super) fn has(self, name: &str) -> bool {
        self.values(name).iter().any(|value| !matches!(value, IppValue::NoValue | IppValue::Other { .. }))
    }

    pub(super) fn ints(self, name: &str) -> Vec<i32> {
        let int = |value: &IppValue| match value {
            IppValue::Integer(number) | IppValue::Enum(number) => Some(*number),
            _ => None,
        };
        self.values(name).iter().filter_map(int).collect()
    }

    pub(super) fn int(self, name: &str) -> Option<i32> {
        self.ints(name).first().copied()
    }

    /// A number that is counted: not below zero.
    pub(super) fn count(self, name: &str) -> Option<u32> {
        self.int(name).and_then(|number| u32::try_from(number).ok())
    }

    /// From and to; a single number is both.
    pub(super) fn range(self, name: &str) -> Option<(i32, i32)> {
        match self.values(name).first()? {
            IppValue::RangeOfInteger { min, max } => Some((*min, *max)),
            IppValue::Integer(number) => Some((*number, *number)),
            _ => None,
        }
    }

    pub(super) fn flag(self, name: &str) -> Option<bool> {
        match self.values(name).first()? {
            IppValue::Boolean(flag) => Some(*flag),
            _ => None,
        }
    }

    pub(super) fn texts(self, name: &str) -> Vec<String> {
        self.values(name).iter().filter_map(text).collect()
    }

    pub(super) fn text(self, name: &str) -> Option<String> {
        self.values(name).first().and_then(text)
    }

    pub(super) fn collections(self, name: &str) -> impl Iterator<Item = Attributes<'a>> {
        self.values(name).iter().filter_map(|value| match value {
            IppValue::Collection(map) => Some(Attributes::Collection(map)),
            _ => None,
        })
    }

    pub(super) fn names(self) -> Vec<String> {
        match self {
            Attributes::Group(group) => group.attributes().iter().map(|a| plain(a.name().as_str())).collect(),
            Attributes::Collection(map) => map.keys().map(|name| plain(name.as_str())).collect(),
        }
    }
}

fn text(value: &IppValue) -> Option<String> {
    match value {
        IppValue::Keyword(text) | IppValue::MimeMediaType(text) => Some(plain(text)),
        IppValue::Uri(text) => Some(plain(text)),
        IppValue::NameWithoutLanguage(name) | IppValue::NameWithLanguage { name, .. } => Some(plain(name)),
        IppValue::TextWithoutLanguage(text) | IppValue::TextWithLanguage { text, .. } => Some(plain(text)),
        _ => None,
    }
}

/// Goes into journals and onto screens: one line of bounded length.
fn plain(text: &str) -> String {
    text.chars().take(PRINTER_TEXT_MAX_CHARS).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use ipp::attribute::IppAttribute;
    use ipp::model::{IppVersion, StatusCode};
    use ipp::request::IppRequestResponse;

    use super::*;

    /// An answer as it would come, of attributes in one group.
    pub(in crate::print::ipp) fn answer(tag: DelimiterTag, attributes: &[(&str, IppValue)]) -> Answer {
        Answer::read(&bytes(StatusCode::SuccessfulOk, tag, attributes)).unwrap()
    }

    fn bytes(status: StatusCode, tag: DelimiterTag, attributes: &[(&str, IppValue)]) -> Vec<u8> {
        let mut response = IppRequestResponse::new_response(IppVersion::v2_0(), status, 1).unwrap();
        for (name, value) in attributes {
            response.attributes_mut().add(tag, IppAttribute::with_name(name, value.clone()).unwrap());
        }
        response.to_bytes().to_vec()
    }

    pub(in crate::print::ipp) fn keyword(text: &str) -> IppValue {
        IppValue::new_keyword(text).unwrap()
    }

    #[test]
    fn a_list_with_one_entry_is_a_list() {
        let tag = DelimiterTag::PrinterAttributes;
        let answer = answer(
            tag,
            &[
                ("one", keyword("a")),
                ("two", IppValue::Array(vec![keyword("a"), keyword("b")])),
                ("n", IppValue::Enum(3)),
            ],
        );
        let group = answer.group(tag).unwrap();
        assert_eq!(group.texts("one"), ["a"]);
        assert_eq!(group.texts("two"), ["a", "b"]);
        assert_eq!((group.int("n"), group.texts("none")), (Some(3), vec![]));
    }

    #[test]
    fn values_of_another_type_are_not_there() {
        let tag = DelimiterTag::PrinterAttributes;
        let answer = answer(tag, &[("state", keyword("idle")), ("name", IppValue::Integer(-7))]);
        let group = answer.group(tag).unwrap();
        assert_eq!((group.int("state"), group.text("name"), group.count("name")), (None, None, None));
        assert_eq!((group.flag("state"), group.range("state")), (None, None));
        assert_eq!(group.collections("state").count(), 0);
    }

    #[test]
    fn what_a_printer_says_is_one_line_of_bounded_length() {
        let tag = DelimiterTag::PrinterAttributes;
        let long = IppValue::new_text_without_language(format!("a\u{1b}[31m\n{}", "x".repeat(900))).unwrap();
        let text = answer(tag, &[("long", long)]).group(tag).unwrap().text("long").unwrap();
        assert!(text.starts_with("a [31m x") && text.chars().count() == PRINTER_TEXT_MAX_CHARS, "{text}");
    }

    #[test]
    fn an_answer_that_is_no_success_is_a_refusal() {
        let attributes = [("status-message", IppValue::new_text_without_language("too much").unwrap())];
        let refused = bytes(StatusCode::ServerErrorBusy, DelimiterTag::OperationAttributes, &attributes);
        let error = Answer::read(&refused).unwrap_err();
        assert_eq!(error.to_string(), "the printer refused: it is busy (too much)");
        assert!(matches!(error, IppError::Refused(refusal) if refusal.is_busy()));
        let ignored = bytes(StatusCode::SuccessfulOkIgnoredOrSubstitutedAttributes, DelimiterTag::JobAttributes, &[]);
        assert!(Answer::read(&ignored).is_ok());
    }

    #[test]
    fn garbage_is_malformed() {
        for garbage in [&b""[..], b"<html>no</html>", &[0; 64], &[0xff; 64]] {
            assert!(matches!(Answer::read(garbage), Err(IppError::Malformed(_))), "{garbage:?}");
        }
    }
}
