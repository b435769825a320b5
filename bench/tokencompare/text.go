package main

// prose holds a few plain sentences in each of many languages and scripts, with
// the marks, joiners and punctuation that belong to them.
var prose = []string{
	// Latin
	"The kettle is on, and nobody knows whose turn it is to pour.",
	"She'd said they're late; I've no idea why we'd wait, but you'll see it's fine.",
	"O'Neill's dog won't eat what the cats' bowl holds - DON'T ask, WE'VE tried, HE'LL bark, I'M SURE.",
	"Le garçon a mangé une pêche à l'ombre du chêne, puis il s'est endormi où l'été finit.",
	"L'ÉCOLE FERME À MIDI ; « c'est dommage », dit-elle, « j'aurais préféré qu'on reste ».",
	"Größere Straßen führen über die Brücke, während Übermut selten guttut: ÄRGERLICH.",
	"¿Dónde está el niño? ¡Mañana cumplirá diez años en Logroño!",
	"O coração não tem razão; às vezes, pão com manteiga é tudo que há.",
	"Perché la città è così bella? Così, perché sì.",
	"Žluťoučký kůň úpěl ďábelské ódy v třešňovém háji.",
	"Zażółć gęślą jaźń, a potem idź spać, proszę.",
	"Árvíztűrő tükörfúrógép hűtőházban őrködik.",
	"İstanbul'da ılık bir gün; ığdır'ın ışıkları şöyle böyle yanıyor.",
	"Tiếng Việt có nhiều dấu: ngôn ngữ của tôi rất đẹp, phải không ạ?",
	"Þórður átti hús við ána; æska hans var góð og öllum kær.",
	"Flygande bäckasiner söka hwila på mjuka tuvor i Småland.",
	"Rødgrød med fløde smager bedst på øen Ærø, siger Åse.",
	"Ķekava, šķūnis un ģimene: latviešu valodā ir garumzīmes ā, ē, ī, ū.",
	"Ĉu vi ŝatas manĝi ĵaŭde? Mi preferas la vendredan kaĉon.",
	"Hawaiʻi's ʻokina isn't an apostrophe; kahakō makes ā long.",
	// Greek, Cyrillic
	"Ο γρήγορος σκύλος πηδάει πάνω από τον τεμπέλη λύκο· γιατί;",
	"ΚΑΛΗΜΕΡΑ ΚΟΣΜΕ, Ἐν ἀρχῇ ἦν ὁ λόγος, ᾧδε καὶ ᾍδης.",
	"Съешь же ещё этих мягких французских булок, да выпей чаю.",
	"МОСКВА — столица России; Санкт-Петербург стоит на Неве.",
	"Їхній ґанок освітлює ліхтар, а під'їзд - ні.",
	"Ђорђе и Љиљана читају књигу; њихов џеп је празан.",
	"Қазақстан — үлкен ел, әр өңірінде өз ән-күйі бар.",
	"Чего́ же ты ждё̈шь, за́мок и замо́к?",
	// Armenian, Georgian, Cherokee, Coptic, Glagolitic, Deseret, Osage
	"Բոլոր մարդիկ ծնվում են ազատ ու հավասար՝ իրենց արժանապատվությամբ։",
	"ყველა ადამიანი იბადება თავისუფალი და თანასწორი. ᲗᲑᲘᲚᲘᲡᲘ",
	"ᎠᏂᏴᏫ ᎤᎾᏓᏅᏘ ꭰꮒᏼꮻ ᏚᎾᏓᎴᏅ",
	"ⲁⲛⲟⲕ ⲡⲉ ⲡⲟⲩⲟⲉⲓⲛ ⲘⲠⲔⲞⲤⲘⲞⲤ",
	"ⰀⰈⰟ ⰱⱆⰽⱏⰹ ⰂⰡⰄⰡ",
	"𐐔𐐯𐑅𐐨𐑉𐐯𐐻 𐐝𐐹𐐯𐑊𐐨𐑍 𐐮𐑆 𐐬𐑊𐐼",
	"𐒻𐒰𐓓𐓘𐓓𐓘 𐓏𐓘𐓓𐓘𐓓𐓟",
	// Hebrew, Arabic and relatives
	"כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.",
	"בְּרֵאשִׁית בָּרָא אֱלֹהִים אֵת הַשָּׁמַיִם וְאֵת הָאָרֶץ׃",
	"يولد جميع الناس أحرارًا متساوين في الكرامة والحقوق، أليس كذلك؟",
	"بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ",
	"همهٔ مردم آزاد به دنیا می‌آیند و در ارجمندی برابرند؛ نمی‌دانم چرا.",
	"تمام انسان آزاد اور برابر پیدا ہوئے ہیں۔ کیا آپ چائے پئیں گے؟",
	"ئەمە کوردییە، ڕۆژێکی خۆش بێت.",
	"ܟܠ ܒܪܢܫܐ ܒܪܝܠܗ ܚܐܪܐ ܘܒܪܒܪ",
	"ހުރިހާ އިންސާނުން ވެސް އުފަންވަނީ މިނިވަންކަމުގައި",
	// Indic
	"सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।",
	"क्या आपने १२३ रुपये में किताब ख़रीदी? हाँ, बिल्कुल!",
	"সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে।",
	"ਸਾਰੇ ਮਨੁੱਖ ਆਜ਼ਾਦ ਪੈਦਾ ਹੁੰਦੇ ਹਨ, ਠੀਕ ਹੈ?",
	"પ્રતિષ્ઠા અને અધિકારોની દૃષ્ટિએ સર્વ માનવો જન્મથી સ્વતંત્ર છે.",
	"ସମସ୍ତ ମନୁଷ୍ୟ ଜନ୍ମକାଳରୁ ସ୍ୱାଧୀନ।",
	"மனிதப் பிறவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; தேநீர் வேண்டுமா?",
	"ప్రతిపత్తి స్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులు.",
	"ಎಲ್ಲಾ ಮಾನವರೂ ಸ್ವತಂತ್ರರಾಗಿಯೇ ಜನಿಸಿದ್ದಾರೆ.",
	"മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും അന്തസ്സോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചവരാണ്.",
	"සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත; ශ්‍රී ලංකාව.",
	// South-east Asian, Tibetan
	"มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์ น้ำชาอยู่ที่ไหน",
	"ມະນຸດທຸກຄົນເກີດມາມີສິດເສລີພາບ ແລະ ສະເໝີໜ້າກັນ",
	"មនុស្សទាំងអស់កើតមកមានសេរីភាព និងភាពស្មើៗគ្នា។",
	"လူတိုင်းသည် တူညီလွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် မွေးဖွားလာသူများဖြစ်သည်။",
	"འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་རང་དབང་ཡོད།",
	"ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ ᠮᠡᠨᠳᠡᠯᠡᠬᠦ ᠡᠷᠬᠡ",
	"ᮞᮊᮥᮙ᮪ᮔ ᮏᮜ᮪ᮙ ᮌᮥᮘᮢᮌ᮪",
	// Ethiopic, Tifinagh, N'Ko, Vai, Adlam
	"የሰው ልጅ ሁሉ ሲወለድ ነጻና በክብርና በመብትም እኩልነት ያለው ነው።",
	"ⵉⵎⴷⴰⵏⴻⵏ ⴰⴽⴽ ⵍⵓⵍⴻⵏ ⴷ ⵉⵍⴻⵍⵍⵉⵢⴻⵏ",
	"ߡߊ߬ ߟߎ߬ ߓߍ߯ ߞߊߡߊߙߋ߲ ߠߋ߬ ߡߏߦߌ߫",
	"ꕉꕜꕮ ꔔꘋ ꖸ ꔰ ꗋꘋ",
	"𞤋𞤲𞥆𞤢𞤥𞤢 𞤢𞤣𞤤𞤢𞤥 𞥑𞥒𞥓",
	// Han, kana, hangul, Yi, Bopomofo
	"人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。",
	"臺灣的夏天很熱，我們去喝一杯珍珠奶茶吧！「好啊。」",
	"すべての人間は、生まれながらにして自由であり、かつ、尊厳と権利とについて平等である。",
	"カタカナとひらがなをまぜて、ＡＢＣ１２３も書く。ｶﾞｷﾞｸﾞ、ラーメンー〜々ゝヽ",
	"東京タワーは333メートルです。が゙はか゚とか゛でもよい。",
	"모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다.",
	"한글은 자모 ㄱㄴㄷ과 ᄒ\u1161\u11ab으로도 쓴다. 안녕하세요?",
	"ㄅㄆㄇㄈ ㄉㄊㄋㄌ ㄓㄨˋ ㄧㄣ",
	"ꊿꂷꃅꄿꐨꐥ，ꌅꅍꀂꏽꐯꒈꃅꐥꌐ。",
	"𠮷野家で𩸽を食べる。𪚥𠀋",
	// Mathematics, ligatures, phonetics
	"∀ε>0 ∃δ>0: |x−a|<δ ⇒ |f(x)−f(a)|<ε, ∑ᵢ₌₁ⁿ xᵢ² ≤ ∫₀^∞ e⁻ˣ dx ≈ 1½",
	"𝐇𝐞𝐥𝐥𝐨 𝓦𝓸𝓻𝓵𝓭 𝕄𝕒𝕥𝕙 𝟙𝟚𝟛 ℵ₀ ℝ³ ℏω",
	"ﬁnal oﬃce ﬂow, ǅungla Ǆ ǆ ǈ ǉ ǋ, Ⅷ ⅷ ⅻ ①②③ ㈠ ㊿ ㍿",
	"/ˈfəʊnətɪk/ [t͡ʃɜːtʃ] ŋ̊ ɾ̥ t͡s ʰ ʷ ˠ",
	"e\u0301le\u0300ve E\u0301COLE nai\u0308ve Z\u0351\u036f\u0343\u0321a\u0489\u0338l\u0336g\u0335o\u0334",
	"\u200fשלום\u200e hello \u202aLTR\u202c \u2067RTL\u2069 \ufeffBOM soft\u00adhyphen zero\u200bwidth",
}

// code holds lines of programs, markup and data.
var code = []string{
	"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(\"hello, 世界\", 0x1F600, 1e-9, 'x')\n}\n",
	"\tif err := json.Unmarshal(buf[:n], &cfg); err != nil {\n\t\treturn nil, fmt.Errorf(\"reading %q at %d: %w\", path, off, err)\n\t}\n",
	"for i := range 10 { ch <- i*i; m[key] += 1<<uint(i) &^ 0xff }",
	"type Stack[T any] struct{ items []T } // generic",
	"def quicksort(xs):\n    if len(xs) <= 1:\n        return xs\n    p, *rest = xs\n    return quicksort([x for x in rest if x < p]) + [p] + quicksort([x for x in rest if x >= p])\n",
	"class HTTPServer(BaseServer):\n    \"\"\"Serves __init__ and don't-care values.\"\"\"\n\n    def __init__(self, *, timeout_s: float = 30.0) -> None:\n        self._timeout = timeout_s\n",
	"print(f\"{name!r:>20} {value:08.3f} {'it''s'}\")  # noqa: E501",
	"const getUserByID = async (userId) => { const {data} = await axios.get(`/api/v2/users/${userId}?x=1&y=2`); return data ?? null; };",
	"export default function App({children}: Props): JSX.Element {\n  return <div className=\"app-root\">{children}</div>;\n}\n",
	"let mut v: Vec<u8> = Vec::with_capacity(1_024); v.extend_from_slice(&[0u8; 16]); match v.get(0) { Some(&b'a'..=b'z') => {}, _ => unreachable!() }",
	"impl<'a, T: Iterator<Item = &'a str> + 'static> Foo<'a> for T { fn bar(&mut self) -> Option<&'a str> { self.next() } }",
	"#include <stdio.h>\n#define MAX(a,b) ((a)>(b)?(a):(b))\nint main(int argc, char **argv) {\n    for (size_t i = 0; i < 10; ++i) printf(\"%zu\\n\", i);\n    return 0;\n}\n",
	"template <typename T, std::size_t N> constexpr auto sum(const std::array<T, N>& a) noexcept { return std::accumulate(a.begin(), a.end(), T{}); }",
	"public static void main(String[] args) throws IOException { System.out.println(\"Größe: \" + args.length); /* don't */ }",
	"SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id WHERE u.name LIKE '%O''Brien%' GROUP BY u.id HAVING COUNT(*) > 3;",
	"<!DOCTYPE html>\n<html lang=\"de\">\n<body class='main'>\n  <a href=\"https://example.org/a/b?c=d#e\">größer &raquo;</a>\n</body>\n</html>\n",
	"body { margin: 0 auto; color: #ff00aa; font: 12px/1.5 'Fira Code', monospace; } @media (max-width: 640px) { .x > .y::after { content: '\\201C'; } }",
	"{\"id\": 12345, \"name\": \"Zoë\", \"tags\": [\"a\", \"b\"], \"nested\": {\"pi\": 3.14159265, \"ok\": true, \"nil\": null}}",
	"services:\n  web:\n    image: nginx:1.27\n    ports:\n      - \"8080:80\"\n    environment:\n      - KEY=value\n",
	"#!/usr/bin/env bash\nset -euo pipefail\nfor f in *.txt; do echo \"${f%.txt}\" | sed -e 's/foo/bar/g' >> \"$OUT\"; done\n",
	"docker run --rm -it -v \"$PWD\":/src -p 127.0.0.1:8080:80/tcp alpine:3.20 sh -c 'ls -la /src && exit 0'",
	"# Heading\n\n- item one\n- item **two**\n  1. nested\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```go\nfunc f() {}\n```\n",
	"main :: IO ()\nmain = mapM_ (putStrLn . show) $ filter even [1..20] -- don't",
	"(defun fact (n) (if (<= n 1) 1 (* n (fact (- n 1))))) ; it's lisp",
	"fun String.isPalindrome(): Boolean = this == this.reversed() && length > 1",
	"let rec map f = function [] -> [] | x :: xs -> f x :: map f xs",
	"mov rax, [rbp-0x18]\n\tadd\trax, 0x20 ; comment\n\tjne\t.L2\n",
	"all: build test\n\nbuild:\n\tgo build -ldflags '-s -w' ./...\n",
	"\\begin{equation}\n  \\int_0^\\infty e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}\n\\end{equation}",
	"diff --git a/x.go b/x.go\n@@ -12,7 +12,9 @@ func f() {\n-\told := 1\n+\tnew := 2\n",
	"2026-11-24T12:34:56.789Z INFO [http-nio-8080-exec-3] c.e.FooBarService - GET /v1/items?id=42 200 13ms",
	"C:\\Users\\Ann\\AppData\\Local\\Temp\\~$doc.tmp //server/share/path/to/file.tar.gz ../../etc/hosts ~/.config",
	"https://user:pa55@sub.example.co.uk:8443/p/a/t/h/?query=string&x[]=1#hash mailto:a.b+c@example.com",
	"<?php foreach ($rows as $k => $v) { echo \"{$k}: $v\\n\"; } ?>",
	"if (!isNaN(x) && x !== undefined || y?.z ?? w) { a <<= 2; b >>>= 1; c **= 3; d ||= e; }",
	"data <- read.csv(\"x.csv\"); lm(y ~ x1 + x2, data = data) %>% summary()",
	"5:9 ==> {a=>b} --> <-- <=> != === !== ... :: ;; ?? !! ## $$ %% ^^ && ** || ~~ ``",
}

// tokens are words of the corpus made by rule: texts of special tokens of
// several families and what looks like them.
var tokens = []string{
	"<|begin_of_text|>", "<|end_of_text|>", "<|header_start|>", "<|header_end|>", "<|eot|>", "<|eom|>", "<|step|>", "<|image|>", "<|patch|>",
	"<|python_start|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|eom_id|>", "<|python_tag|>", "<|endoftext|>",
	"<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|image_pad|>", "<tool_call>", "</tool_call>", "<s>", "</s>", "<unk>", "[INST]", "[/INST]",
	"[TOOL_CALLS]", "[IMG]", "[SYSTEM_PROMPT]", "<|reserved_special_token_7|>", "<|reserved_special_token_77|>", "[PAD42]",
	"<|eot", "|eot|>", "<| eot |>", "<|eot|", "<|EOT|>", "<|eot_id |>", "<<|eot|>>", "<|im_end", "[INST", "[ INST ]", "<|reserved_special_token_", "<|",
	"ab=>>>>", "=>>>", "ab=>", "ab=> =>>>>", "ab=>>>>>=>>>>",
}

var emoji = []string{
	"😀", "👍", "👍🏽", "👩🏽‍💻", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "🇯🇵🇧🇷", "❤️", "❤", "☕", "1️⃣", "#️⃣", "🧑🏿‍🤝‍🧑🏻", "🫠", "🪿", "☠️", "©️", "™", "♟️", "⏰", "㊙️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🤷🏻‍♀️", "✂️",
}

// spaces are white space of every kind and what looks like it.
var spaces = []string{
	" ", "  ", "   ", "    ", "        ", "\t", "\t\t", "\n", "\n\n", "\r\n", "\r\n\r\n", "\r", "\n\t", " \n", " \n ", "\t \t", "\v", "\f", "\u0085",
	"\u00a0", "\u00a0\u00a0", "\u1680", "\u2002\u2003", "\u2009", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000", "\u3000\u3000", " \u3000", "\u200b", "\u2060", "\ufeff",
}

var digits = []string{"0123456789", "٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹", "०१२३४५६७८९", "০১২৩৪৫৬৭৮৯", "๐๑๒๓๔๕๖๗๘๙", "０１２３４５６７８９", "𝟘𝟙𝟚𝟛𝟜𝟝𝟞𝟟𝟠𝟡", "²³¹½⅓¾ⅣⅫⅷ①", "一二三四五六七八九十", "༠༡༢༣༤༥༦༧༨༩"}

var suffixesOfWords = []string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'T", "'RE", "'Re", "'rE", "'VE", "'vE", "'M", "'LL", "'Ll", "'lL", "'D", "’s", "’T", "'x", "'l", "'r", "'", "''s", "'ſ"}

// humps are pieces of CamelCase names, plain and accented.
var humps = []string{
	"get", "Get", "HTTP", "URL", "Id", "ID", "x", "X", "é", "É", "Élan", "élan", "ÉTÉ", "été", "Größe", "GRÖSSE", "größe", "Über", "über", "naïve", "Ñandú", "ñ",
	"Привет", "привет", "МИР", "Мир", "Γειά", "σου", "ΚΟΣΜΕ", "Ժամ", "ժամ", "İd", "ıd", "ǅep", "ß", "ẞ", "ﬁ", "𐐔𐐯", "𐑅", "ʰ", "ª", "中文", "日本", "क्षि", "ع", "1", "42", "_", "-", "e\u0301", "E\u0301", "Ⅷ",
}
