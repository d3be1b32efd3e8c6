"""Who there is to be found, and a table of searches with what they must find."""

from __future__ import annotations

PEOPLE = [
    ("Anna", "Müller", "anna.mueller@alpen.example", "+49301234567", "Berlin"),
    ("Émile", "Zola", "zola@lettres.example", "+33142685300", "Paris"),
    ("Søren", "Ørsted", "", "+4533123456", "København"),
    ("Jürgen", "Groß-Weiß", "jgw@example.com", "", "Köln"),
    ("Siobhán", "O'Neil", "siobhan@oneil.example", "+35319283746", "Dublin"),
    ("Łukasz", "Wójcik", "lukasz_wojcik@firma.example", "", "Łódź"),
    ("Anna-Maria", "Lechner", "", "+4366298765432", "Salzburg"),
    ("María José", "García López", "", "", "Sevilla"),
    ("Björk", "Guðmundsdóttir", "", "", "Reykjavík"),
    ("Иван", "Петров", "ivan@petrov.example", "+74957654321", "Москва"),
    ("明", "李", "", "", "上海"),
    ("משה", "כהן", "", "", "תל אביב"),
    ("محمد", "الأحمد", "", "", "دبي"),
    ("Robert'); DROP TABLE", "Students", "", "", ""),
    ("Al", "Wu", "", "", ""),
    ("Percy", "50% Off_Sale", "", "", ""),
    ("Back", "Sla\\sh", "", "", ""),
    ("😀 Smiley", "Faceman", "", "", ""),
    ("Katharina", "Schwarzenegger", "", "", "Graz"),
    ("Li", "Lee", "", "", ""),
    ("Leeann", "Leeson", "", "", ""),
    ("Giovanni", "Rossi", "", "+390655443322", "Roma"),
    ("Nagy", "István", "", "+3619988776", "Budapest"),
]

# query -> what is among the hits (of any type), or "" for nothing at all
CASES = """
anna müller|Anna Müller
ANNA MULLER|Anna Müller
muller anna|Anna Müller
Müller, Anna|Anna Müller
mül|Anna Müller
mul an|Anna Müller
nna üll|Anna Müller
uller|Anna Müller
  anna    müller  |Anna Müller
anna\tmüller|Anna Müller
Muler|Anna Müller
Mulller|Anna Müller
Mlüler|Anna Müller
Mullar|Anna Müller
xuller|Anna Müller
Anna Mulelr|Anna Müller
Mueller|Anna Müller
anna.mueller@alpen.example|Anna Müller
ANNA.MUELLER@ALPEN.EXAMPLE|Anna Müller
@alpen|Anna Müller
mueller@alp|Anna Müller
+49 30 1234567|Anna Müller
+49 (0)30 1234567|Anna Müller
+49 (0) 30 / 12 34 567|Anna Müller
0049 30 1234567|Anna Müller
0049(0)30-1234567|Anna Müller
00 49 30 123 45 67|Anna Müller
030-1234567|Anna Müller
(030) 123 45 67|Anna Müller
030.123.45.67|Anna Müller
1234567|Anna Müller
234567|Anna Müller
34567|Anna Müller
müller 030 1234567|Anna Müller
+49301234567|Anna Müller
+49 030 1234567|Anna Müller
berlin anna|Anna Müller
emile zola|Émile Zola
ÉMILE|Émile Zola
Émile|Émile Zola
emi zo|Émile Zola
01 42 68 53 00|Émile Zola
+33 1 42 68 53 00|Émile Zola
zola@lettres|Émile Zola
Zolla|Émile Zola
soren orsted|Søren Ørsted
Ørsted|Søren Ørsted
orsted s|Søren Ørsted
Sören|Søren Ørsted
Orstde|Søren Ørsted
kobenhavn|Søren Ørsted
gross-weiss|Jürgen Groß-Weiß
Groß|Jürgen Groß-Weiß
gross weiss|Jürgen Groß-Weiß
weiß jürgen|Jürgen Groß-Weiß
Jurgen|Jürgen Groß-Weiß
Jurgne|Jürgen Groß-Weiß
o'neil|Siobhán O'Neil
O’Neil Siobhan|Siobhán O'Neil
oneil|Siobhán O'Neil
neil|Siobhán O'Neil
Siobhan|Siobhán O'Neil
Siobahn|Siobhán O'Neil
lukasz|Łukasz Wójcik
wojcik lukasz|Łukasz Wójcik
Wójcik|Łukasz Wójcik
lukasz_wojcik|Łukasz Wójcik
lodz|Łukasz Wójcik
Wojick|Łukasz Wójcik
anna-maria|Anna-Maria Lechner
anna maria lechner|Anna-Maria Lechner
lechner anna|Anna-Maria Lechner
Lechnr|Anna-Maria Lechner
0662 98765432|Anna-Maria Lechner
0662/98765-432|Anna-Maria Lechner
+43 662 98765 432|Anna-Maria Lechner
maria jose garcia|María José García López
garcía lópez|María José García López
lopez garcia maria|María José García López
Garsia Lopez|María José García López
gudmundsdottir|Björk Guðmundsdóttir
Guðmunds|Björk Guðmundsdóttir
Gudmundsdotir|Björk Guðmundsdóttir
Gudmundsdttoir|Björk Guðmundsdóttir
bjork|Björk Guðmundsdóttir
Иван|Иван Петров
петров иван|Иван Петров
ПЕТРОВ|Иван Петров
Петроф|Иван Петров
8 (495) 765-43-21|Иван Петров
+7 495 765-43-21|Иван Петров
李明|
李|明 李
明 李|明 李
上海|明 李
משה|משה כהן
כהן|משה כהן
محمد|محمد الأحمد
الأحمد محمد|محمد الأحمد
robert'); drop table|Robert'); DROP TABLE Students
students|Robert'); DROP TABLE Students
'; drop table contacts_contact; --|
" or 1=1|
al|Al Wu
wu|Al Wu
al wu|Al Wu
w a|Al Wu
50%|Percy 50% Off_Sale
off_sale|Percy 50% Off_Sale
off_|Percy 50% Off_Sale
percy 5|Percy 50% Off_Sale
sla|Back Sla\\sh
sla\\sh|Back Sla\\sh
back sla|Back Sla\\sh
smiley|😀 Smiley Faceman
😀 smiley|😀 Smiley Faceman
facemann|😀 Smiley Faceman
schwarz|Katharina Schwarzenegger
negger|Katharina Schwarzenegger
Schwarzeneger|Katharina Schwarzenegger
Shwarzeneger|Katharina Schwarzenegger
Schwarzenneggre|Katharina Schwarzenegger
katarina schwarz|Katharina Schwarzenegger
Kahtarina|Katharina Schwarzenegger
06 55443322|Giovanni Rossi
+39 06 5544 3322|Giovanni Rossi
rosi giovanni|Giovanni Rossi
06 1 998 8776|Nagy István
istvan|Nagy István
nagy|Nagy István
alpenwerk|Alpenwerk GmbH
alpenwerk gmbh|Alpenwerk GmbH
gmbh alpen|Alpenwerk GmbH
Alpenwrek|Alpenwerk GmbH
www.alpenwerk.example|
https://www.alpenwerk.example/|Alpenwerk GmbH
alpenwerk.example|Alpenwerk GmbH
retrofit|Spindle retrofit 2024-05
spindel|Spindle retrofit 2024-05
spindle 2024|Spindle retrofit 2024-05
2024-05|Spindle retrofit 2024-05
lovelace|Ada Lovelace
engine co|Ada Lovelace
lovlace|Ada Lovelace
drawings|Ask for drawings
housing|Ask for drawings
ask draw|Ask for drawings
drawigns|Ask for drawings
kick-off|Kick-off Zürich
zurich|Kick-off Zürich
agenda|Kick-off Zürich
turbine blades|Wants **turbine** blades by June
turbnie|Wants **turbine** blades by June
voicemail text|voicemail text about pricing
zzzzz|
qq|
xylophone|
anna zzzzz|
+49 30 7777777|
nobody@nowhere.example|
%|
_|
%%%|
\\|
\\%|
'|
"|
;--|
()|
\u202e\u202d|
\u200b|
…|
😀|
👩‍👩‍👧‍👦|
*|
?|
"""


def table() -> list[tuple[str, str]]:
    return [(query, target) for line in CASES.strip("\n").split("\n") for query, _bar, target in [line.rpartition("|")]]
