"""What the demo business is made of: an invented maker of workshop machines in Salzburg, its customers and what people there say."""

from __future__ import annotations

ORGANISATION = "Tauern Werkstatt"
PRODUCTS = (
    "Panel saw",
    "Edge bander",
    "Milling centre",
    "Dust extraction",
    "Wide-belt sander",
    "Bench lathe",
    "Drill press line",
    "Spray booth",
    "Press brake",
    "Service contract",
    "Spindle overhaul",
    "Operator training",
)
PARTS = ("hall 1", "hall 2", "new site", "workshop refit", "phase 1", "phase 2", "pilot", "replacement", "second shift", "training room", "spring", "autumn")

# name, industry, city, country, employees
COMPANIES = (
    ("Lindacher Möbel GmbH", "Furniture", "Salzburg", "AT", 84), ("Tischlerei Obermayr", "Joinery", "Linz", "AT", 12), ("Grünwald Fenster KG", "Windows and doors", "Graz", "AT", 145),
    ("Seewald Küchen GmbH", "Kitchens", "Villach", "AT", 63), ("Innwerk Metall GmbH", "Metalwork", "Innsbruck", "AT", 210), ("Holzbau Reitinger", "Timber construction", "Wels", "AT", 38),
    ("Donauboot Werft GmbH", "Boat building", "Krems", "AT", 46), ("Almdesign Interieur", "Interior fitting", "Kitzbühel", "AT", 19), ("Murtal Treppen GmbH", "Stairs", "Leoben", "AT", 27),
    ("Bregenzer Holzwerkstatt", "Joinery", "Bregenz", "AT", 22), ("Steyrer Formenbau GmbH", "Tool making", "Steyr", "AT", 97), ("Kaiserwald Sägewerk", "Sawmill", "Kufstein", "AT", 55),
    ("Isarholz Manufaktur GmbH", "Furniture", "München", "DE", 71), ("Spreewerk Ladenbau GmbH", "Shop fitting", "Berlin", "DE", 132), ("Harzer Türenwerk AG", "Windows and doors", "Goslar", "DE", 260),
    ("Elbkontor Möbelbau", "Furniture", "Hamburg", "DE", 34), ("Schwarzwald Uhrengehäuse", "Cabinet making", "Freiburg", "DE", 16), ("Mainfranken Metallbau", "Metalwork", "Würzburg", "DE", 88),
    ("Allgäu Blockhaus GmbH", "Timber construction", "Kempten", "DE", 49), ("Neckar Präzision GmbH", "Tool making", "Heilbronn", "DE", 180), ("Ruhrtal Treppenbau", "Stairs", "Essen", "DE", 29),
    ("Ostsee Yachtausbau GmbH", "Boat building", "Rostock", "DE", 77), ("Erzgebirge Spielzeug eG", "Toys", "Seiffen", "DE", 41), ("Pfälzer Küfer GmbH", "Cooperage", "Landau", "DE", 14),
    ("Truhlářství Kopecký", "Joinery", "Brno", "CZ", 18), ("Nábytek Hájek s.r.o.", "Furniture", "Praha", "CZ", 122), ("Moravská okna a.s.", "Windows and doors", "Olomouc", "CZ", 240),
    ("Vltava Kovo s.r.o.", "Metalwork", "České Budějovice", "CZ", 66), ("Dřevostavby Šumava", "Timber construction", "Klatovy", "CZ", 35), ("Plzeňské formy s.r.o.", "Tool making", "Plzeň", "CZ", 91),
    ("Meble Zielińska Sp. z o.o.", "Furniture", "Kraków", "PL", 158), ("Stolarnia Bałtyk", "Joinery", "Gdańsk", "PL", 24), ("Okna Śląsk S.A.", "Windows and doors", "Katowice", "PL", 310),
    ("Jacht-Stal Sp. z o.o.", "Boat building", "Szczecin", "PL", 59), ("Schody Mazur", "Stairs", "Poznań", "PL", 17), ("Danubius Bútor Kft.", "Furniture", "Győr", "HU", 93),
    ("Balaton Hajó Kft.", "Boat building", "Siófok", "HU", 31), ("Tisza Ablak Zrt.", "Windows and doors", "Szeged", "HU", 127), ("Falegnameria Dolomiti", "Joinery", "Bolzano", "IT", 26),
    ("Arredi Brenta S.r.l.", "Furniture", "Padova", "IT", 104), ("Officina Garda S.p.A.", "Metalwork", "Brescia", "IT", 175), ("Scale Friuli S.r.l.", "Stairs", "Udine", "IT", 21),
    ("Mizarstvo Triglav d.o.o.", "Joinery", "Kranj", "SI", 15), ("Okna Pohorje d.o.o.", "Windows and doors", "Maribor", "SI", 82), ("Jadran Brod d.o.o.", "Boat building", "Rijeka", "HR", 68),
    ("Schreinerei Rüttimann AG", "Joinery", "Luzern", "CH", 33),
)  # fmt: skip
# Companies that leads bring when they are converted.
NEWCOMERS = (
    ("Werkraum Attersee", "AT", "Vöcklabruck"), ("Ladenbau Zirbitz GmbH", "AT", "Judenburg"), ("Treppenwerk Taunus", "DE", "Friedberg"), ("Küchen Fichtelberg", "DE", "Annaberg"),
    ("Truhlárna Beskydy", "CZ", "Ostrava"), ("Meble Roztocze", "PL", "Zamość"), ("Pannon Ajtó Kft.", "HU", "Sopron"), ("Arredo Carso S.r.l.", "IT", "Trieste"), ("Holzkontor Weserbergland", "DE", "Hameln"),
    ("Schreinerei Engadin", "CH", "Scuol"), ("Stolárstvo Tatry s.r.o.", "SK", "Poprad"), ("Kärntner Bootsbau", "AT", "Velden"), ("Fensterwerk Rhön GmbH", "DE", "Fulda"), ("Metalldesign Ybbs", "AT", "Amstetten"),
)  # fmt: skip
STRANGERS = (
    "Möbelwerkstatt Inn", "Hallenbau Marchfeld", "Parkett Waldviertel", "Modellbau Kraichgau", "Intarsien Ötztal", "Kunstschmiede Enns", "Rámy Vysočina", "Ogrody Podlasie", "Erdő Ház Kft.", "Legno Vivo",
    "Yachtservice Müritz", "Bühnenbau Zwickau", "Klavierbau Traun", "Saunabau Kainuu", "Ladeneinrichtung Saar", "Zimmerei Vinschgau", "Geigenbau Mittenwald", "Tischfabrik Leitha", "Rahmenhaus Mur", "Spielplatz Lech",
)  # fmt: skip
FIRST = {
    "AT": "Anna Lukas Katharina Stefan Theresa Florian Barbara Andreas Eva Matthias Christina Georg Magdalena Wolfgang Elisabeth Johannes".split(),
    "DE": "Sabine Jürgen Claudia Thorsten Anke Uwe Birgit Jan Heike Sönke Ulrike Malte Silke Holger Wiebke Dennis".split(),
    "CZ": "Jana Tomáš Lenka Petr Markéta Ondřej Zuzana Jiří Tereza Radek Veronika Miroslav".split(),
    "SK": "Mária Peter Katarína Ján".split(),
    "PL": "Agnieszka Paweł Małgorzata Krzysztof Joanna Tomasz Ewa Łukasz Beata Grzegorz".split(),
    "HU": "Ágnes Zoltán Katalin Gábor Judit Attila Eszter Balázs".split(),
    "IT": "Giulia Marco Chiara Lorenzo Francesca Davide Elena Stefano".split(),
    "SI": "Maja Luka Nina Matej".split(),
    "HR": "Ivana Marko Petra Ante".split(),
    "CH": "Regula Urs Ursina Beat".split(),
    "FI": "Aino Mikko".split(),
}
LAST = {
    "AT": "Pichlmair Aschauer Lechthaler Rainer Moosbrugger Stadler Kogler Wieser Schönauer Thurnher Enzinger Brandstätter Hinterleitner Fellner Kirchmair Zangerl".split(),
    "DE": "Petersen Reuter Wegener Strobel Hennings Ahlers Kämmerer Voss Behrens Oltmanns Rademacher Schlüter Brinkmann Täuber Jansen Döring".split(),
    "CZ": "Dvořák Procházka Kučera Veselý Němec Marek Pospíšil Hájek Jelínek Růžička Beneš Fiala".split(),
    "SK": "Kováč Horváth Tóth Varga".split(),
    "PL": "Wiśniewski Wójcik Kamiński Lewandowski Zieliński Szymański Woźniak Dąbrowski Kozłowski Jankowski".split(),
    "HU": "Szabó Kiss Molnár Németh Farkas Balogh Papp Takács".split(),
    "IT": "Bertoldi Zanetti Marchetti Colombo Galli Fontana Ricci Moretti".split(),
    "SI": "Zupan Kralj Potočnik Golob".split(),
    "HR": "Jurić Marić Perić Šarić".split(),
    "CH": "Zgraggen Caduff Imhof Rüegg".split(),
    "FI": "Salonen Heikkilä".split(),
}
PREFIX = {
    "AT": "+43664",
    "DE": "+49151",
    "CZ": "+420602",
    "SK": "+421905",
    "PL": "+48601",
    "HU": "+3620",
    "IT": "+39347",
    "SI": "+38641",
    "HR": "+38591",
    "CH": "+4179",
    "FI": "+35840",
}
DIGITS = {"AT": 7, "DE": 8, "CZ": 6, "SK": 6, "PL": 6, "HU": 7, "IT": 7, "SI": 6, "HR": 7, "CH": 7, "FI": 7}
ZONES = {
    "AT": "Europe/Vienna", "DE": "Europe/Berlin", "CZ": "Europe/Prague", "SK": "Europe/Bratislava", "PL": "Europe/Warsaw", "HU": "Europe/Budapest", "IT": "Europe/Rome", "SI": "Europe/Ljubljana",
    "HR": "Europe/Zagreb", "CH": "Europe/Zurich", "FI": "Europe/Helsinki",
}  # fmt: skip
LANGUAGES = {"AT": "de", "DE": "de", "CH": "de", "CZ": "cs", "SK": "sk", "PL": "pl", "HU": "hu", "IT": "it", "SI": "sl", "HR": "hr", "FI": "fi"}
JOBS = (
    "Managing director",
    "Head of production",
    "Plant manager",
    "Buyer",
    "Workshop foreman",
    "Maintenance lead",
    "Head of procurement",
    "Owner",
    "Assistant to the management",
    "Quality manager",
)
STREETS = ("Hauptstraße", "Industriestraße", "Werkstraße", "Bahnhofstraße", "Nádražní", "Fabryczna", "Via Roma", "Gyár utca", "Obrtniška", "Mühlweg")

SOURCES = ("Website form", "Trade fair", "Referral", "LinkedIn", "Phone enquiry", "Partner")
TAGS = (
    ("Key account", "violet"),
    ("Trade fair", "blue"),
    ("Service contract", "teal"),
    ("Decision maker", "amber"),
    ("Prefers phone", "grey"),
    ("Reference customer", "green"),
    ("Price sensitive", "red"),
    ("Second shift", "pink"),
)
CAMPAIGNS = (
    ("google", "cpc", "panel-saws-spring"),
    ("newsletter", "email", "dust-extraction"),
    ("linkedin", "social", "workshop-of-the-year"),
    ("fair", "qr", "holzmesse"),
    ("", "", ""),
)
MESSAGES = (
    "We are looking for a panel saw for boards up to 3.2 m. Could somebody call us?",
    "Our dust extraction no longer meets the limits. What would you suggest for two halls of 400 m² each?",
    "Please send prices for the milling centre with tool changer, delivery before summer.",
    "We saw your edge bander at the fair and would like a demonstration in our workshop.",
    "Is there a service contract for machines that are eight years old?",
    "We are building a new site and need a complete line. Whom can we meet?",
    "Do you deliver to us, and how long does installation take?",
    "Our lathe has a bearing damage. Do you overhaul spindles of other makers too?",
)
NOTES = (
    "Asked for a reference from a workshop of the same size.",
    "Price is fine, the delivery date is the open point.",
    "The board meets on the **3rd**; we should have the final offer there a day before.",
    "Wants a three-year service option in the offer.",
    "Floor load in hall 2 is limited to 1.5 t/m². Check with engineering.",
    "Compares us with one other maker. Strong point for us: service within 24 hours.",
    "Outage window is between Christmas and Epiphany, commissioning must be finished then.",
    "Prefers to be called before eight in the morning.",
    "Would like to see the machine running before deciding. Visit to be planned.",
    "Financing through their bank is agreed in principle.",
    "Sent drawings of the hall; connection for extraction is on the north wall.",
    "Happy with the last delivery, open for the training days.",
)
CALLS = (
    "Went through the line items. No objections, one question on spare parts.",
    "Explained the difference between the two spindle types.",
    "Agreed on a visit with the foreman present.",
    "Not the right person: the head of production decides.",
    "Left a message with the main points and my number.",
    "Will call back after the holidays.",
)
MEETINGS = ("Site visit", "Demonstration in our showroom", "Offer review", "Kick-off", "Acceptance of the machine", "Yearly review")
TASKS = (
    ("call", "Call about the offer"),
    ("email", "Send the revised offer"),
    ("visit", "Plan the site visit"),
    ("call", "Ask for the decision"),
    ("todo", "Prepare the spare-part list"),
    ("email", "Send reference list"),
    ("todo", "Check delivery date with production"),
    ("follow_up", "Follow up after the demonstration"),
)
OUTCOMES = ("Reached, offer is welcome", "Sent", "Agreed", "Voicemail", "Done as planned", "Waiting for their answer", "")
LOST_NOTES = (
    "Stayed with the maker of their other machines.",
    "Budget moved to next year.",
    "A used machine was enough.",
    "No answer after four tries.",
    "Delivery was too late for the new site.",
)
DISQUALIFIED = ("Student project", "Looks for a job", "Private person, one small tool", "Outside our countries", "Competitor")
