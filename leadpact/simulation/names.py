"""Words for people, companies and addresses. Companies live under .example, where nothing can be delivered."""

from __future__ import annotations

FIRST = (
    "Ada Bo Cleo Dara Amir Anika Anton Aylin Beatriz Benoit Carla Chen Clara Dario David Deniz Edda Elena Emil Erik "
    "Esra Eva Fatma Felix Fiona Franz Freya Gina Goran Greta Hana Hannah Hugo Ida Ines Ivan Jana Jakob Jonas Julia "
    "Kai Karim Katja Kenji Lara Lea Leo Lina Liv Luca Lucía Luis Malik Mara Marco Maria Mats Mei Mila Mina Mona Nadia "
    "Nils Nina Noah Nora Olga Oskar Paolo Paula Per Petra Piotr Priya Rahel Ravi Rita Rosa Ruben Samira Sara Selma "
    "Simon Sofia Søren Sven Tamar Tara Theo Tilda Tom Uwe Vera Viktor Wanda Yara Yusuf Zoë Zora"
).split()
LAST = (
    "Abel Adler Akin Alves Amato Andersen Arslan Baker Barros Becker Berg Bianchi Blom Bauer Castro Chen Costa Cruz "
    "Dahl Demir Dias Duarte Ebner Ekström Engel Falk Ferrari Fischer Fuchs Garcia Gomes Grant Greco Haas Hagen Hansen "
    "Holm Horn Ito Ivanov Jansen Jensen Kaya Keller Khan Klein Koch Kovač Kowalski Kraus Kumar Lang Larsen Lehmann Lind "
    "Lopes Lund Maier Marin Mehta Mendes Meyer Moreau Müller Nagel Neumann Nguyen Nilsen Novak Nowak Okafor Olsen Ortiz "
    "Park Patel Pereira Peters Petit Pohl Popov Prado Quist Rao Reis Richter Rivera Rossi Roth Sato Santos Sauer "
    "Schmidt Silva Singh Smith Sommer Stein Strand Suzuki Tanaka Torres Turner Ueda Vance Vega Vogel Wagner Walker "
    "Wang Weber Winter Wolf Wood Yang Yildiz Young Zhang Ziegler"
).split()
STEM = (
    "alder amber anchor arden aster atlas banner baron beacon birch bolt border bridge bright calder canyon cedar "
    "chalk cinder clover cobalt copper coral crest crown delta dune eagle east elm ember falcon fern field flint ford "
    "forge frost garnet gale glen granite grove harbor hazel heath helm heron high hollow iron ivory jasper juniper "
    "keel kestrel lake lantern laurel ledge linden lock lumen maple marble meadow mercer mill mint moor north oak "
    "onyx orchard otter pearl pine plover port prairie quarry quartz rail raven reed ridge river rowan sable sage salt "
    "shore silver slate spring spruce stone summit swan tarn thorn timber union vale vista wave west willow wind wren"
).split()
TAIL = (
    "works line gate point side mark field land stead wick ton bury dale brook haven hurst mere mont ridge stream "
    "view ward way wood worth yard"
).split()
INDUSTRIES: tuple[tuple[str, str, float], ...] = (
    ("Manufacturing", "Manufacturing", 0.28),
    ("Logistics", "Logistics", 0.19),
    ("Wholesale", "Trading", 0.16),
    ("Retail", "Stores", 0.10),
    ("Software", "Systems", 0.09),
    ("Health care", "Care", 0.06),
    ("Construction", "Construction", 0.07),
    ("Education", "Institute", 0.05),
    ("Public sector", "Agency", 0.05),
)
SERVED = 3  # the first three are the industries that the example agreement serves
TITLES = (
    ("Assistant", "Analyst", "Coordinator", "Specialist"),
    ("Manager", "Team lead", "Planner", "Buyer"),
    ("Head of operations", "Head of purchasing", "Plant manager", "IT manager"),
    ("Chief operating officer", "Managing director", "Chief financial officer", "Vice president"),
)
FREE_MAIL = ("gmail.com", "outlook.com", "yahoo.com", "gmx.net", "icloud.com")
ACADEMIC = ("students.example.edu", "mail.example.edu", "cs.example.edu")
COMPETITORS = ("initech.example", "hooli.example")
HOME = "northwind.example"
PAPERS = (
    "planning-without-spreadsheets",
    "buyers-paper",
    "price-guide",
    "supplier-checklist",
    "seven-plants",
    "stock-that-sleeps",
)
PATHS: tuple[tuple[str, str, float, float], ...] = (  # path, title, weight without interest, weight added by interest
    ("/", "Northwind", 0.24, 0.04),
    ("/blog/why-plans-fail", "Why plans fail", 0.13, 0.02),
    ("/blog/stock-that-sleeps", "Stock that sleeps", 0.12, 0.02),
    ("/blog/five-questions", "Five questions", 0.11, 0.02),
    ("/products/planning", "Planning", 0.12, 0.16),
    ("/products/warehouse", "Warehouse", 0.08, 0.12),
    ("/cases/ferro", "How Ferro plans", 0.05, 0.14),
    ("/cases/halden", "Halden's warehouse", 0.04, 0.12),
    ("/pricing", "Prices", 0.03, 0.55),
    ("/pricing/enterprise", "Prices for groups", 0.01, 0.12),
    ("/papers", "Papers", 0.04, 0.03),
    ("/careers", "Careers", 0.03, 0.0),
)
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
)
CRAWLER = "Mozilla/5.0 (compatible; ExampleBot/2.1; +http://bot.example/about)"
SCANNER = "Mozilla/5.0 (X11; Linux x86_64) LinkCheck/3.4"
