//! A request's attributes: who asks, of which printer, for what.

use ipp::IppHeader;
use ipp::attribute::{IppAttribute, IppAttributes};
use ipp::model::{DelimiterTag, IppVersion, Operation};
use ipp::request::{EN_LANG, UTF_8_CHARSET};
use ipp::value::{IppName, IppString, IppValue};

/// All printers speak it; what newer versions added is asked for by attribute.
const VERSION: IppVersion = IppVersion::v1_1();

/// A request that grows, without its document.
#[derive(Debug)]
pub(super) struct Request {
    header: IppHeader,
    attributes: IppAttributes,
}

impl Request {
    pub(super) fn new(operation: Operation, printer_uri: &str, user: &str) -> Request {
        let request =
            Request { header: IppHeader::new(VERSION, operation as i16, 1), attributes: IppAttributes::new() };
        request
            .with("attributes-charset", IppValue::Charset(UTF_8_CHARSET.into()))
            .with("attributes-natural-language", IppValue::NaturalLanguage(EN_LANG.into()))
            .with("printer-uri", IppValue::Uri(IppString::new_truncated(cut(printer_uri, IppString::max()))))
            .with("requesting-user-name", name(user))
    }

    pub(super) fn with(mut self, attribute: &str, value: IppValue) -> Request {
        self.add(DelimiterTag::OperationAttributes, attribute, value);
        self
    }

    pub(super) fn with_job(self, id: i32) -> Request {
        self.with("job-id", IppValue::Integer(id))
    }

    pub(super) fn asking_for(self, attributes: &[&str]) -> Request {
        let wanted = attributes.iter().filter_map(|attribute| IppValue::new_keyword(*attribute).ok()).collect();
        self.with("requested-attributes", IppValue::Array(wanted))
    }

    /// Settings of the job, behind what the operation itself takes.
    pub(super) fn with_settings(mut self, settings: Vec<(&'static str, IppValue)>) -> Request {
        for (attribute, value) in settings {
            self.add(DelimiterTag::JobAttributes, attribute, value);
        }
        self
    }

    fn add(&mut self, group: DelimiterTag, attribute: &str, value: IppValue) {
        self.attributes.add(group, IppAttribute::new(IppName::new_truncated(attribute), value));
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [self.header.to_bytes(), self.attributes.to_bytes()].concat()
    }
}

pub(super) fn name(text: &str) -> IppValue {
    IppValue::NameWithoutLanguage(IppName::new_truncated(cut(text, IppName::max())))
}

/// The crate cuts in the middle of a character, and panics.
fn cut(text: &str, max_bytes: usize) -> &str {
    &text[..text.floor_char_boundary(max_bytes)]
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ipp::parser::IppParser;
    use ipp::reader::IppReader;

    use super::*;

    #[test]
    fn a_request_is_what_the_crate_reads_back() {
        let request = Request::new(Operation::GetJobAttributes, "ipp://printer:631/ipp/print", "studio")
            .with_job(7)
            .asking_for(&["job-id", "job-uuid"])
            .with_settings(vec![("copies", IppValue::Integer(2))]);
        let parser = IppParser::new(IppReader::new(Cursor::new(request.to_bytes())));
        let (header, attributes, _) = parser.parse_parts().unwrap();
        assert_eq!(header.operation_or_status, Operation::GetJobAttributes as i16);
        let names: Vec<Vec<&str>> = attributes
            .groups()
            .iter()
            .map(|group| group.attributes().iter().map(|a| a.name().as_str()).collect())
            .collect();
        let operation = [
            "attributes-charset",
            "attributes-natural-language",
            "printer-uri",
            "job-id",
            "requesting-user-name",
            "requested-attributes",
        ];
        assert_eq!(names, [&operation[..], &["copies"]]);
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        let IppValue::NameWithoutLanguage(name) = name(&"é".repeat(200)) else { panic!("no name") };
        assert_eq!(name.as_str(), "é".repeat(127));
    }
}
