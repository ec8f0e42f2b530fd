export type TextPair = { readonly left: string; readonly right: string };

/** The same text for a reader: reworded in a place, another order of sentences, other line breaks or case. */
export const nearDuplicates: readonly TextPair[] = [
  {
    left: "The crack was discovered in May during a routine inspection of the dam by divers of the water board.",
    right: "The crack was discovered in May during a routine inspection of the dam by divers of the county.",
  },
  {
    left: "Compost is the cheapest fertiliser there is. All that you need is a shady corner and a little patience.",
    right:
      "All that you need is a shady corner and a little patience. Compost is the cheapest fertiliser there is.",
  },
  {
    left: "Memory now stays at about 90 MB, no matter how large the shop is, because rows are read in portions.",
    right:
      "MEMORY NOW STAYS AT ABOUT 90 MB,\nNO MATTER HOW LARGE THE SHOP IS,\nBECAUSE ROWS ARE READ IN PORTIONS.",
  },
  {
    left: "Die Pakete kommen morgens mit großen Lastwagen in einem ehemaligen Parkhaus am Bahnhof an.",
    right: "Die Pakete kommen am Morgen mit großen Lastwagen in einem ehemaligen Parkhaus am Bahnhof an.",
  },
  {
    left: "菜园占地一万二千平方米,分成三百六十块小地,由附近六个小区的居民共同耕种。",
    right: "菜园占地一万二千平方米,分成三百五十块小地,由附近六个小区的居民共同耕种。",
  },
  {
    left: "La région finance le projet à hauteur de 450 000 euros par an et cinq autres lycées suivront.",
    right:
      "La région finance ce projet à hauteur de 450 000 euros par an, et cinq autres lycées suivront bientôt.",
  },
  {
    left: "Invoice 2024-118 for March: three servers, backup storage of 500 GB, total 214.20 euros, due on 15 April.",
    right:
      "Invoice 2024-131 for March: three servers, backup storage of 500 GB, total 214.20 euros, due on 15 April.",
  },
];

/** Texts that share a subject or words, and say something else. */
export const otherTexts: readonly TextPair[] = [
  {
    left: "The crack was discovered in May during a routine inspection of the dam by divers of the water board.",
    right: "The angling club fears for the lake's stock of char, a fish that was introduced in the 1970s.",
  },
  {
    left: "Compost is the cheapest fertiliser there is, and it is easier to make than most people believe.",
    right:
      "Finished compost is dark, crumbly and smells of forest soil; spread three centimetres on the beds.",
  },
  {
    left: "The Provider is liable without limit for intent and gross negligence and for injury to life or health.",
    right:
      "The Provider may raise the fee once per calendar year, by no more than five percent, with notice.",
  },
  {
    left: "Die Paketdienste klagen über die Kosten der Zustellung und die Miete für das Parkhaus.",
    right: "Im Winter mussten die Lastenräder an zwölf Tagen mit Glatteis stehen bleiben.",
  },
  {
    left: "每块菜地的租金是每年二百元,七十岁以上的老人可以免费使用。",
    right: "检测发现,院子里的土壤含有过量的铅,不能直接种菜。",
  },
  {
    left: "The motor is wonderfully quiet and strong, and the brakes inspire confidence on every hill.",
    right: "The display froze on the third day, and the app loses its connection to the bike constantly.",
  },
  {
    left: "Selon la fédération, il manque en France près de huit mille techniciens de réparation.",
    right: "The workers who repair household appliances in France earn more than they did a few years ago.",
  },
];
