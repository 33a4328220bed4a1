use super::*;

fn packet(attributes: &str, body: &str) -> Packet {
    Packet::read(block(attributes, body).as_bytes()).unwrap()
}

fn block(attributes: &str, body: &str) -> String {
    format!(
        "<?xpacket begin='\u{feff}'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF xmlns:rdf='{RDF}'><rdf:Description \
         rdf:about='' xmlns:dc='{DC}' xmlns:tiff='{TIFF}' xmlns:photoshop='{PHOTOSHOP}' \
         xmlns:xmp='http://ns.adobe.com/xap/1.0/' xmlns:exif='http://ns.adobe.com/exif/1.0/' \
         xmlns:aux='http://ns.adobe.com/exif/1.0/aux/' xmlns:lr='http://ns.adobe.com/lightroom/1.0/' \
         xmlns:crs='http://ns.adobe.com/camera-raw-settings/1.0/' xmlns:xmpMM='http://ns.adobe.com/xap/1.0/mm/' \
         xmlns:xmpNote='http://ns.adobe.com/xmp/note/' \
         xmlns:mwg-rs='http://www.metadataworkinggroup.com/schemas/regions/' \
         xmlns:Iptc4xmpExt='http://iptc.org/std/Iptc4xmpExt/2008-02-29/' {attributes}>{body}</rdf:Description></rdf:RDF>\
         </x:xmpmeta><?xpacket end='w'?>\0\0"
    )
}

fn bag(name: &str, items: &[&str]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("<rdf:li>{item}</rdf:li>")).collect();
    format!("<{name}><rdf:Bag>{}</rdf:Bag></{name}>", items.concat())
}

fn names(packet: &Packet) -> Vec<&str> {
    packet.properties.iter().map(|p| p.name.local.as_str()).collect()
}

const NOTHING: Unwanted = Unwanted { location: false, people: false, serials: false, stale: false };

#[test]
fn what_is_written_is_read_again() {
    let mut written = packet(
        "xmlns:d='http://purl.org/dc/elements/1.1/' xmp:Rating='4' xmlns:q='urn:own' q:odd='a &quot;b&quot; &lt; c&#10;d'",
        "<d:title><rdf:Alt><rdf:li xml:lang='x-default'>Kiss &amp; Tell</rdf:li></rdf:Alt></d:title>\
         <q:deep rdf:parseType='Resource'><q:in q:at='1'>x</q:in></q:deep>",
    );
    written.set(CREATOR, &["Müller & Söhne".to_owned(), "Ada".to_owned()]);
    written.set(RIGHTS, &["© <2025>".to_owned()]);
    written.set(SUBJECT, &keywords("school, class 3b; portrait"));
    let bytes = written.write().unwrap();
    let read = Packet::read(&bytes).unwrap();
    assert_eq!(read.properties, written.properties);
    assert_eq!(read.write().unwrap(), bytes);
    assert_eq!(read.text(CREATOR).as_deref(), Some("Müller & Söhne; Ada"));
    assert_eq!(read.text(RIGHTS).as_deref(), Some("© <2025>"));
    assert_eq!(read.values(SUBJECT), ["school", "class 3b", "portrait"]);
    assert_eq!(read.text(TITLE).as_deref(), Some("Kiss & Tell"));
    assert_eq!(Packet::default().write(), None);
}

#[test]
fn words_count_by_namespace_and_default_language() {
    let alt = "<rdf:Alt><rdf:li xml:lang='de-DE'>(de)</rdf:li><rdf:li xml:lang='x-default'>Ada</rdf:li></rdf:Alt>";
    for found in [
        packet("", &format!("<dc:rights>\n {alt}\n</dc:rights>")),
        packet("xmlns:z='http://purl.org/dc/elements/1.1/'", &format!("<z:rights>{alt}</z:rights>")),
        packet("", &format!("<rights xmlns='http://purl.org/dc/elements/1.1/'>{alt}</rights>")),
        packet("dc:rights='Ada'", ""),
        packet("tiff:Copyright='Ada'", ""),
        packet("", "<tiff:Copyright>Ada</tiff:Copyright><dc:rights><rdf:Alt><rdf:li/></rdf:Alt></dc:rights>"),
    ] {
        assert_eq!(found.text(RIGHTS).as_deref(), Some("Ada"), "{found:?}");
    }
    let foreign = packet("xmlns:z='urn:own'", "<z:rights>Eve</z:rights>");
    assert_eq!(foreign.text(RIGHTS), None);
}

#[test]
fn what_is_named_goes_and_nothing_else() {
    let location = Unwanted { location: true, ..NOTHING };
    let people = Unwanted { people: true, ..NOTHING };
    let serials = Unwanted { serials: true, ..NOTHING };
    let stale = Unwanted { stale: true, ..NOTHING };
    let place = "<Iptc4xmpExt:LocationShown><rdf:Bag><rdf:li rdf:parseType='Resource'><Iptc4xmpExt:City>X</Iptc4xmpExt:City>\
                 </rdf:li></rdf:Bag></Iptc4xmpExt:LocationShown>";
    for (attributes, body, unwanted) in [
        ("photoshop:City='X'", "", location),
        ("exif:GPSLatitude='X'", "", location),
        ("xmlns:zz='urn:z' zz:city='X'", "", location),
        ("", "<City xmlns='http://ns.adobe.com/photoshop/1.0/'>X</City>", location),
        ("", place, location),
        ("", "<Iptc4xmpExt:PersonInImage><rdf:Bag><rdf:li>X</rdf:li></rdf:Bag></Iptc4xmpExt:PersonInImage>", people),
        ("", "<mwg-rs:Regions><rdf:Description mwg-rs:Name='X'/></mwg-rs:Regions>", people),
        ("aux:OwnerName='X'", "", people),
        ("aux:SerialNumber='X'", "", serials),
        ("xmlns:e='http://cipa.jp/exif/1.0/' e:BodySerialNumber='X'", "", serials),
        ("tiff:XResolution='X' tiff:Orientation='6'", "<exif:PixelXDimension>X</exif:PixelXDimension>", stale),
        ("crs:Exposure2012='X'", "<xmpMM:History><rdf:Seq><rdf:li>X</rdf:li></rdf:Seq></xmpMM:History>", stale),
        ("xmlns:p='http://ns.google.com/photos/1.0/panorama/' p:FullPanoWidthPixels='X'", "", stale),
        ("xmlns:g='http://ns.google.com/photos/1.0/camera/' g:MotionPhoto='X'", "", NOTHING),
        ("xmpNote:HasExtendedXMP='X'", "<exif:MakerNote>X</exif:MakerNote>", NOTHING),
    ] {
        let words = "<photoshop:Headline>Kiss of the City</photoshop:Headline>";
        let mut found = packet(
            &format!("xmp:Rating='4' aux:Lens='50mm' aux:LensID='230' tiff:Make='Camera' {attributes}"),
            &format!("{words}{body}"),
        );
        let all = found.clone();
        found.strip(unwanted);
        assert_eq!(names(&found), ["Rating", "Lens", "LensID", "Make", "Headline"], "{attributes} {body}");
        let written = String::from_utf8(found.write().unwrap()).unwrap();
        assert!(!written.contains(">X<") && !written.contains("'X'"), "{written}");
        if unwanted != NOTHING {
            let mut kept = all.clone();
            kept.strip(NOTHING);
            assert_eq!(kept, all);
        }
    }
}

#[test]
fn people_and_places_leave_the_keywords() {
    let mut found = packet(
        "",
        &[
            bag("dc:subject", &["Wedding", "Bob", "Bern", "Eve", "Cid"]),
            bag("lr:hierarchicalSubject", &["Events|Wedding", "People|Bob", "Places|Switzerland|Bern", "Guests|Eve"]),
            bag("Iptc4xmpExt:PersonInImage", &["Eve"]),
            "<mwg-rs:Regions><mwg-rs:RegionList><rdf:Bag><rdf:li><rdf:Description mwg-rs:Name='Cid'/></rdf:li></rdf:Bag>\
             </mwg-rs:RegionList></mwg-rs:Regions>"
                .to_owned(),
            "<dc:description><rdf:Alt><rdf:li>People/Bob</rdf:li></rdf:Alt></dc:description>".to_owned(),
        ]
        .concat(),
    );
    let mut people = found.clone();
    people.strip(Unwanted { people: true, ..NOTHING });
    assert_eq!(people.values(SUBJECT), ["Wedding", "Bern"]);
    assert!(String::from_utf8(people.write().unwrap()).unwrap().contains("Places|Switzerland|Bern"));
    assert_eq!(people.text(DESCRIPTION).as_deref(), Some("People/Bob"), "a caption is no path");
    found.strip(Unwanted { location: true, ..NOTHING });
    assert_eq!(found.values(SUBJECT), ["Wedding", "Bob", "Eve", "Cid"]);
}

#[test]
fn what_cannot_be_read_or_would_blow_up_is_refused() {
    let deep = "<rdf:li>".repeat(50_000);
    let many: Vec<String> = (0..30_000).map(|i| format!(" a{i}=''")).collect();
    let spaces: Vec<String> = (0..2_000).map(|i| format!("<a xmlns:n{i}='urn:{i}'>")).collect();
    for text in [
        "<!DOCTYPE x [<!ENTITY c 'Bern'>]><a>&c;</a>".to_owned(),
        "no packet".to_owned(),
        "<a/>".to_owned(),
        "<a><b></a>".to_owned(),
        block("", &deep),
        block("", &format!("{deep}{}", "</rdf:li>".repeat(50_000))),
        block(&many.concat(), ""),
        block("", &spaces.concat()),
        block("", &"<rdf:li/>".repeat(300_000)),
    ] {
        assert!(Packet::read(text.as_bytes()).is_err(), "{}", text.chars().take(60).collect::<String>());
    }
    assert!(Packet::read(b"\xff\xfe<\0").is_err());
    assert!(Packet::read(format!("\n{}\0\0", block("", "")).as_bytes()).is_ok());
}
