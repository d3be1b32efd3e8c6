"""Words that the generated data is made of. Weights are skewed, so that some fragments fit a handful of rows and some ten thousand."""

from __future__ import annotations

FIRST = (
    "Anna Maria Thomas Peter Michael Eva Martin Julia Andreas Stefan Laura Markus Sabine Daniel Christian Petra Lukas Katharina David Sophie "
    "Jan Elena Paul Monika Tomáš Jana Marek Agnieszka Zoltán Ágnes Luca Giulia Marco Chiara Pierre Camille Étienne Élodie Søren Mette Lars Ingrid "
    "Björn Åsa Nils Saga Mikko Aino Olli Kaisa João Inês Miguel Beatriz Carlos Lucía Javier Carmen Ana Ivan Nina Luka Maja Petar Dragana Emre Ayşe "
    "Mehmet Zeynep Olga Dmytro Oksana Andrii Ioana Radu Elif Deniz Fatima Omar Leila Yusuf Amara Chidi Ngozi Kwame Priya Arjun Ananya Rahul Mei Wei "
    "Yuki Haruto Sakura Minh Linh Grace James Olivia Jack Emily Harry Charlotte George Amelia Oscar Isla Noah Mia Leon Hannah Finn Lena Jonas Clara"
).split()
LAST = (
    "Müller Schmidt Gruber Huber Novák Weber Fischer Wagner Bauer Steiner Svoboda Nowak Kowalski Horváth Nagy Rossi Ferrari Bianchi Martin Bernard "
    "Dubois Moreau Hansen Nielsen Johansson Andersson Lindqvist Virtanen Korhonen Silva Santos García Fernández López Martínez Horvat Kovačević Babić "
    "Jovanović Petrović Yılmaz Kaya Demir Shevchenko Kovalenko Bondarenko Popescu Ionescu Dimitrov Ivanova Papadopoulos Hofer Leitner Berger Fuchs Eder "
    "Moser Winkler Lechner Brunner Egger Pichler Wimmer Aigner Koller Haas Schuster Krüger Hoffmann Schäfer Koch Becker Richter Klein Wolf Schröder "
    "Neumann Schwarz Zimmermann Braun Hofmann Hartmann Lange Krause Lehmann Köhler Maier König Walter Peters Scholz Möller Weiß Jung Hahn Vogel Friedrich "
    "Keller Günther Frank Winter Lorenz Baumann Albrecht Simon Ludwig Böhm Vogt Sommer Stein Groß Seidel Heinrich Brandt Haase Schreiber Graf Dietrich "
    "Ziegler Kuhn Kühn Pohl Engel Horn Busch Bergmann Thomas Voigt Sauer Arnold Pfeiffer Byrne Murphy Walsh Kelly Smith Jones Taylor Brown Evans Wilson "
    "Okafor Mensah Diallo Haddad Khoury Nair Mehta Sharma Iyer Chen Wang Tanaka Sato Nguyen Tran Olsen Larsen Berg Haugen Solberg Dahl Lund Holm Nyström"
).split()
CITIES = (
    ("Wien", "AT", "Europe/Vienna"),
    ("Berlin", "DE", "Europe/Berlin"),
    ("München", "DE", "Europe/Berlin"),
    ("Praha", "CZ", "Europe/Prague"),
    ("Graz", "AT", "Europe/Vienna"),
    ("Hamburg", "DE", "Europe/Berlin"),
    ("Budapest", "HU", "Europe/Budapest"),
    ("Warszawa", "PL", "Europe/Warsaw"),
    ("Linz", "AT", "Europe/Vienna"),
    ("Zürich", "CH", "Europe/Zurich"),
    ("Köln", "DE", "Europe/Berlin"),
    ("Brno", "CZ", "Europe/Prague"),
    ("Milano", "IT", "Europe/Rome"),
    ("Bratislava", "SK", "Europe/Bratislava"),
    ("Salzburg", "AT", "Europe/Vienna"),
    ("Stuttgart", "DE", "Europe/Berlin"),
    ("Ljubljana", "SI", "Europe/Ljubljana"),
    ("Kraków", "PL", "Europe/Warsaw"),
    ("Zagreb", "HR", "Europe/Zagreb"),
    ("Dresden", "DE", "Europe/Berlin"),
    ("Innsbruck", "AT", "Europe/Vienna"),
    ("Torino", "IT", "Europe/Rome"),
    ("Lyon", "FR", "Europe/Paris"),
    ("Nürnberg", "DE", "Europe/Berlin"),
    ("Ostrava", "CZ", "Europe/Prague"),
    ("Gdańsk", "PL", "Europe/Warsaw"),
    ("Basel", "CH", "Europe/Zurich"),
    ("Bregenz", "AT", "Europe/Vienna"),
    ("Szeged", "HU", "Europe/Budapest"),
    ("Trieste", "IT", "Europe/Rome"),
    ("Villach", "AT", "Europe/Vienna"),
    ("Košice", "SK", "Europe/Bratislava"),
    ("Maribor", "SI", "Europe/Ljubljana"),
    ("Göteborg", "SE", "Europe/Stockholm"),
    ("Tampere", "FI", "Europe/Helsinki"),
    ("Bergen", "NO", "Europe/Oslo"),
    ("Porto", "PT", "Europe/Lisbon"),
    ("Sevilla", "ES", "Europe/Madrid"),
    ("Cork", "IE", "Europe/Dublin"),
    ("Leeds", "GB", "Europe/London"),
)
INDUSTRIES = ("Machinery", "Metalwork", "Plastics", "Wood", "Food", "Logistics", "Energy", "Medical", "Automotive", "Paper", "Textiles", "Electronics")
TRADES = (
    "Maschinenbau",
    "Metall",
    "Precision",
    "Werkzeuge",
    "Engineering",
    "Systems",
    "Industrie",
    "Technik",
    "Tools",
    "Automation",
    "Components",
    "Logistik",
    "Solutions",
    "Foods",
    "Packaging",
)
FORMS = ("GmbH", "AG", "s.r.o.", "Kft.", "Sp. z o.o.", "S.r.l.", "SA", "d.o.o.", "AB", "Ltd", "KG", "Oy")
JOBS = (
    "Head of Procurement",
    "Plant manager",
    "Managing director",
    "Buyer",
    "Production planner",
    "Maintenance lead",
    "Sales",
    "Accounts payable",
    "Quality manager",
    "IT",
)
GOODS = (
    "Spindle retrofit",
    "Press line",
    "Dust extraction",
    "Service contract",
    "Robot cell",
    "Packing line",
    "Calibration plan",
    "Spare parts",
    "Conveyor",
    "Milling centre",
    "Laser cutter",
    "Paint booth",
)
STREETS = ("Hauptstraße", "Bahnhofstraße", "Industriestraße", "Ringstraße", "Gartenweg", "Mill Lane", "Via Roma", "Fabrikgasse", "Náměstí", "Rue du Port")
TASKS = ("Call back", "Send offer", "Prepare demo", "Ask for drawings", "Check delivery date", "Follow up on offer", "Plan visit", "Send spare-part list")
NOTES = (
    "Asked for a reference from a similar plant.",
    "Price is fine, delivery date is the open point.",
    "Wants a three-year service option.",
    "Will talk to the board next week.",
    "Prefers to be called in the morning.",
)


def skewed(count: int, exponent: float = 0.8) -> list[float]:
    """Weights that fall like a natural distribution: the first ones are common, the last ones rare."""
    return [1 / (rank + 1) ** exponent for rank in range(count)]
