//! The program's own words, in the languages that it speaks.

use jiff::civil::Date;

use super::LinkTold;

/// One language. `{}` is where the value goes.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) language: &'static str,
    subject: &'static str,
    subject_of: &'static str,
    hello: &'static str,
    hello_to: &'static str,
    ready: &'static str,
    until: &'static str,
    pub(super) pin_note: &'static str,
    ask: &'static str,
    regards: &'static str,
    months: [&'static str; 12],
    day: fn(i8, &str, i16) -> String,
}

const ENGLISH: Words = Words {
    language: "en",
    subject: "Your pictures",
    subject_of: "Your pictures from {}",
    hello: "Hello,",
    hello_to: "Hello {},",
    ready: "Your pictures are ready ({}). You can look at them and download them here:",
    until: "The page is open until {}.",
    pin_note: "The page asks for a PIN. You get it from us separately.",
    ask: "Do you have a question? Just answer this mail.",
    regards: "Kind regards",
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    day: |day, month, year| format!("{day} {month} {year}"),
};

const GERMAN: Words = Words {
    language: "de",
    subject: "Ihre Bilder",
    subject_of: "Ihre Bilder von {}",
    hello: "Guten Tag,",
    hello_to: "Guten Tag {},",
    ready: "Ihre Bilder sind fertig ({}). Hier können Sie sie ansehen und herunterladen:",
    until: "Die Seite ist bis zum {} offen.",
    pin_note: "Die Seite fragt nach einer PIN. Sie bekommen sie gesondert von uns.",
    ask: "Haben Sie eine Frage? Antworten Sie einfach auf diese Mail.",
    regards: "Mit freundlichen Grüßen",
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
    day: |day, month, year| format!("{day}. {month} {year}"),
};

const SPANISH: Words = Words {
    language: "es",
    subject: "Sus fotos",
    subject_of: "Sus fotos de {}",
    hello: "Hola:",
    hello_to: "Hola, {}:",
    ready: "Sus fotos están listas ({}). Puede verlas y descargarlas aquí:",
    until: "La página estará abierta hasta el {}.",
    pin_note: "La página le pedirá un PIN. Se lo damos por separado.",
    ask: "¿Tiene alguna pregunta? Responda a este correo.",
    regards: "Un cordial saludo",
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
    day: |day, month, year| format!("{day} de {month} de {year}"),
};

const FRENCH: Words = Words {
    language: "fr",
    subject: "Vos photos",
    subject_of: "Vos photos de {}",
    hello: "Bonjour,",
    hello_to: "Bonjour {},",
    ready: "Vos photos sont prêtes ({}). Vous pouvez les regarder et les télécharger ici :",
    until: "La page est ouverte jusqu’au {}.",
    pin_note: "La page demande un code PIN. Nous vous le donnons séparément.",
    ask: "Une question ? Répondez simplement à ce message.",
    regards: "Bien cordialement",
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    day: |day, month, year| {
        let day = if day == 1 { "1er".to_string() } else { day.to_string() };
        format!("{day} {month} {year}")
    },
};

impl Words {
    /// English where the language is not among them.
    pub(super) fn of(language: Option<&str>) -> &'static Words {
        let head = language.unwrap_or_default().trim().split(['-', '_']).next().unwrap_or_default().to_lowercase();
        [&ENGLISH, &GERMAN, &SPANISH, &FRENCH].into_iter().find(|words| words.language == head).unwrap_or(&ENGLISH)
    }

    pub(super) fn date(&self, date: Date) -> String {
        let month = self.months[usize::from(date.month().unsigned_abs().clamp(1, 12)) - 1];
        (self.day)(date.day(), month, date.year())
    }

    pub(super) fn greeting(&self, name: Option<&str>) -> String {
        name.map(str::trim)
            .filter(|name| !name.is_empty())
            .map_or(self.hello.to_string(), |n| self.hello_to.replace("{}", n))
    }

    /// Subject and text.
    pub(super) fn letter(&self, told: &LinkTold<'_>) -> (String, String) {
        let subject = told.studio.map_or(self.subject.to_string(), |studio| self.subject_of.replace("{}", studio));
        let text = [
            self.greeting(told.first_name),
            self.ready.replace("{}", &told.pictures.to_string()),
            told.url.to_string(),
            format!(
                "{} {}",
                self.until.replace("{}", &self.date(told.until)),
                if told.has_pin { self.pin_note } else { "" }
            ),
            if told.studio_email.is_some() { self.ask.to_string() } else { String::new() },
            format!("{}\n{}", self.regards, told.studio.unwrap_or_default()),
        ];
        (subject, text.join("\n\n"))
    }
}
