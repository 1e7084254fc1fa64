/**
 * Words that guessers try first, put together for this project from what is commonly known of such lists: names of things
 * that people choose, rows of keys, dates, the defaults of devices. Lower case. `isCommon` in password-policy.ts refuses
 * them with digits and signs around or in them, with the usual letters replaced (`p@ssw0rd`) and doubled, so that some
 * thousand words stand for far more than the 3000 passwords that ASVS 6.2.4 asks for.
 */
const TEXT = `
password passwort passwd passcode passphrase motdepasse contrasena senha parola haslo wachtwoord salasana heslo
losenord lozinka sifre jelszo pasuwado passe pass pwd pword mypass mypassword mypasswort thepassword newpassword
oldpassword yourpassword userpassword adminpassword rootpassword testpassword passwordpassword passpass
secret secrets mysecret topsecret supersecret geheim segredo secreto private access accesscode letmein letmeinnow
letmeinplease openup opensesame sesame knockknock iloveyou iloveu iloveme iluvu ilove loveyou loveme lovely lover
lovers love loves mylove truelove babylove loveforever forever always together
welcome welcomeback welcomehome willkommen bienvenue bienvenido benvenuto hello hellohello helloworld hallo bonjour
hola ciao goodbye goodday goodmorning goodnight whatever nothing something anything everything nobody somebody
admin administrator administrateur administrador adminadmin sysadmin superadmin webadmin webmaster postmaster
hostmaster root rootroot toor superuser super supervisor manager operator user users username guest guests visitor
demo demodemo test tests tester testing testtest testuser testing testpass sample example temp temporary temppass
tmp changeme changeit changethis changenow changeplease pleasechange default defaultpass initial firstlogin login
logins logon signin signup account accounts office business company corporate enterprise support helpdesk service
services server servers backup system systems network internet intranet computer laptop desktop keyboard monitor
windows linux ubuntu debian redhat apple macintosh macbook iphone android samsung nokia google gmail yahoo hotmail
outlook facebook instagram twitter youtube linkedin amazon microsoft oracle cisco ciscocisco juniper netgear linksys
dlink huawei motorola vodafone tmobile database postgres postgresql mysql mariadb mongodb redis sqlserver docker
kubernetes jenkins github gitlab developer development production staging security secure secured safety protect
qwerty qwertyu qwertyui qwertyuiop qwertyqwerty qwert qwerasdf qwerzxcv qwertz qwertzui qwertzuiop azerty azertyui
azertyuiop asdf asdfg asdfgh asdfghj asdfghjk asdfghjkl asdfasdf asdfjkl asdfqwer zxcv zxcvb zxcvbn zxcvbnm zxczxc
zxcasd zxcasdqwe qweasd qweasdzxc qazwsx qazwsxedc qazxsw wsxedc qazqaz wasd wasdwasd poiuytrewq lkjhgfdsa mnbvcxz
mnbvcxzlkj poiuyt oiuytr lkjhgf abc abcd abcde abcdef abcdefg abcdefgh abcdefghi abcdefghij abcabc abcabcabc xyz
aaa zzz xxx qqq asd qwe zxc aaaa qaz wsx
qwer zaqwsx zaqxsw qaswed qawsed plokij okmijn ijnuhb
monkey dragon tiger lion panther leopard cheetah jaguar bear eagle falcon hawk wolf wolves fox rabbit bunny horse
horses pony stallion mustang bronco camaro corvette charger challenger viper cobra python snake spider scorpion shark
dolphin dolphins whale turtle penguin panda koala kitty kitten cat cats tomcat dog dogs doggy puppy bulldog poodle
chicken turkey rooster duck ducks goose swan butterfly ladybug bumblebee hornet hamster mouse elephant giraffe zebra
gorilla buffalo bulls bullfrog frog froggy toad lizard dinosaur unicorn phoenix griffin pegasus kraken
football soccer baseball softball basketball volleyball tennis hockey golf golfer golfing rugby cricket boxing boxer
wrestling karate judo swimming swimmer surfing surfer skiing skater skateboard snowboard running runner racing racer
fishing fisherman hunting hunter archery bowling cycling cyclist chess poker casino jackpot lottery lucky winner
champion champions victory trophy medal coach player players gamer gaming gameover playstation nintendo xbox pokemon
pikachu mario luigi zelda sonic minecraft fortnite roblox warcraft starcraft counterstrike halflife callofduty
leagueoflegends overwatch battlefield assassin ninja samurai shogun katana warrior warriors knight knights gladiator
spartan spartans trojan trojans viking vikings pirate pirates raider raiders ranger rangers cowboy cowboys outlaw
steelers packers eagles patriots dolphins broncos giants chargers redskins lakers celtics yankees redsox dodgers
cubs braves mets tigers lions bears falcons panthers saints chelsea arsenal liverpool everton barcelona realmadrid
juventus manchester manutd manunited mancity tottenham newcastle westham rangers celtic bayern dortmund schalke
benfica sporting porto flamengo corinthians palmeiras bocajuniors riverplate galatasaray fenerbahce besiktas ajax
superman batman spiderman ironman wolverine hulk thor captain captainamerica wonderwoman catwoman joker robin
deadpool avengers starwars startrek skywalker lukeskywalker darthvader yoda jedi stormtrooper chewbacca hansolo
gandalf frodo aragorn legolas hobbit lordoftherings harrypotter hermione voldemort hogwarts dumbledore gryffindor
slytherin matrix neo trinity morpheus terminator predator alien rocky rambo scarface godfather godzilla kingkong
jamesbond bond mickey mickeymouse minnie donald donaldduck goofy pluto snoopy garfield scooby scoobydoo bugsbunny
tweety simpsons homer bart bartsimpson southpark cartman naruto sasuke goku vegeta dragonball onepiece sailormoon
doraemon totoro hellokitty barbie princess prince queen king kings kingdom castle angel angels guardian heaven hell
devil demon satan lucifer saint jesus jesuschrist christ christian godisgood godbless blessed blessing faith hope
grace glory amen praise buddha krishna allah ganesh shiva namaste
summer winter spring autumn sunshine sunflower sunset sunrise sunday monday tuesday wednesday thursday friday saturday
january february march april june july august september october november december morning midnight moonlight moon
stars star starlight galaxy universe planet earth mars venus jupiter saturn neptune mercury pluto comet meteor rocket
rainbow thunder lightning storm stormy hurricane tornado snow snowball snowman snowflake rain raindrop cloud clouds
ocean beach island paradise mountain river forest garden flower flowers rose roses daisy lily violet jasmine orchid
tulip cherry cherries apple apples banana bananas orange oranges lemon strawberry blueberry peach peaches pumpkin
coconut pineapple mango chocolate cookie cookies cupcake candy sweet sweetie sweety sweetheart sugar honey honeybee
cheese cheesecake burger pizza pasta spaghetti bacon coffee espresso guinness budweiser heineken whiskey vodka
tequila brandy corona bitch asshole fuckyou fuckoff fuckme fucker motherfucker shithead bullshit badboy badgirl
goodboy goodgirl bigboy bigdog bigdaddy daddy mommy mother father brother sister family friends friend bestfriend
boyfriend girlfriend husband wife baby babygirl babyboy darling sexy sexygirl beautiful gorgeous pretty cutie cutiepie
handsome hotstuff blondie redhead brownie blackie smokey shadow ghost casper wizard magic magician merlin mystery
legend legendary master masters mastermind boss bigboss chief general colonel major sergeant captain soldier marine
marines military airforce airborne pilot rocketman maverick iceman goose topgun hammer metal metallica slipknot
nirvana acdc ironmaiden pinkfloyd ledzeppelin beatles elvis michaeljackson madonna eminem tupac biggie rihanna beyonce
blink greenday linkinpark korn rammstein depechemode guitar piano drummer drums music musica rocknroll rockstar
dancer dancing disco party freedom liberty justice peace peaceful destiny serenity harmony infinity eternity
america american usa canada england london paris france french berlin germany deutschland italia italy rome madrid
spain espana portugal brasil brazil argentina mexico mexican colombia chile india indian bangalore mumbai delhi
pakistan china chinese beijing shanghai hongkong taiwan japan japanese tokyo osaka kyoto nippon korea seoul russia
moscow ukraine poland polska warszawa sweden sverige norway danmark finland suomi nederland holland amsterdam belgium
austria schweiz zurich turkiye istanbul australia sydney melbourne newyork brooklyn chicago boston texas dallas
houston miami florida california losangeles sanfrancisco hollywood lasvegas vegas seattle denver atlanta detroit
michael jennifer jessica ashley amanda andrew anthony alexander alexandra alexis christopher christine christina
christian daniel danielle david elizabeth emily emma eric george hannah heather jacob james jasmine jason jonathan
jordan joseph joshua justin katherine kathleen kevin kimberly laura lauren linda lisa margaret maria marie mark martin
matthew melissa michelle mohamed mohammed muhammad natasha nathan nicholas nicole oliver olivia pamela patricia
patrick paul peter philip rachel rebecca richard robert ronald russell samantha samuel sandra sarah scott sebastian
sharon sophia sophie spencer stephanie stephen steven steve sunny susan tamara taylor teresa theresa thomas tiffany
timothy travis tyler vanessa veronica victor victoria vincent virginia walter william xavier yolanda zachary alejandro
alejandra andrea antonio carlos carmen catalina claudia cristina diego eduardo fernando francisco gabriel gabriela
guillermo isabella javier jorge jose juan juliana leonardo lorena luis manuel marcelo mariana miguel natalia nicolas
pablo paola patricia rafael ricardo roberto rodrigo santiago sergio valentina valeria yesenia alessandro andrea
francesca francesco giovanni giuseppe lorenzo matteo alexandre camille guillaume julien mathieu nathalie olivier
sebastien stephane andreas bernd christoph dieter florian hans heinrich jurgen katharina klaus markus matthias monika
sabine stefan stefanie susanne thorsten ulrike wolfgang aleksandr anastasia dmitri ekaterina natalya sergey svetlana
vladimir akira daisuke haruka hiroshi kazuki kenji naoki sakura satoshi takashi yamamoto tanaka suzuki watanabe
porsche ferrari lamborghini maserati bugatti mercedes mercedesbenz bmw audi volkswagen toyota honda nissan mazda
subaru mitsubishi hyundai chevrolet chevy ford pontiac cadillac jeep dodge chrysler harley harleydavidson yamaha
kawasaki ducati suzuki nascar formula turbo racecar airplane boeing airbus titanic submarine trustno trustnoone
nothing nopassword nopass idontknow dontknow ihateyou ihatethis fuckthis doyouknow whoami whoareyou itsme onlyme
justme mine myself imthebest thebest numberone number first only onlyone one two three onetwothree unodostres
blahblah blah lol lollol lololol haha hahaha hahahaha hehehe yes yesyes nono dada mama papa mamapapa tata
money moneymoney dollar dollars million millionaire billion rich richard cash cashmoney bitcoin ethereum crypto
wallet diamond diamonds gold golden goldfish silver platinum crystal emerald ruby sapphire pearl treasure
purple pink blue red green black white yellow brown silver blackcat blacksheep blackjack whitecat redrose redbull
bluesky bluemoon greenday greentea yellowbird pinkpanther orange
doctor lawyer teacher student students school college university harvard stanford oxford cambridge science chemistry
physics biology history geography mathematics english kindergarten library police officer fireman firefighter nurse
engineer builder driver trucker farmer butcher baker hacker hackers hacked cracker phreak anonymous thegame theman
theboss theking slayer killer killers murder vampire zombie zombies monster monsters dracula frankenstein beast beauty
reaper destroyer predator sniper shooter gangster gangsta mafia thug thuglife player playboy playgirl pimp pimpin
stalker ghostrider nightmare darkness darkangel darkside blackout chaos inferno fire fireball firefly fireman flame
blaze ice iceberg icecream freeze frozen crazy crazygirl crazyboy insane psycho lunatic mad madness stupid idiot loser
dumbass smart smartass genius einstein newton galileo tesla edison mozart beethoven picasso vincent shakespeare
trouble rebel rebels renegade bandit cowgirl tarzan jungle safari adventure explorer traveler travel holiday vacation
christmas santa santaclaus xmas halloween easter birthday happybirthday happy happyday happiness smile smiley laughing
cheers celebrate wedding married anniversary lovebird teddy teddybear snuggles cuddles precious treasure peanut
peanuts popcorn pepper ginger cinnamon vanilla cocacola pepsi pepsicola sprite fanta drpepper mountaindew gatorade
mcdonalds starbucks nutella snickers skittles oreo marshmallow bubbles bubblegum bubba buddy budlight buster butter
buttercup button boomer bonnie booboo brandon brittany brooklyn cameron carolina charlie charlotte chester chloe
coconut cooper copper courtney crystal daisy dakota dallas diablo domino dragonfly dreamer dreams duke dustin dylan
electric element elephant elite emerald enigma evolution excalibur express fantasy fearless flower flyers foxtrot
freddie freddy garrett genesis gibson gilbert gizmo gunner hardcore hannah harrison hendrix homeboy hooters horizon
hotdog hunter impala infinity iverson jackson jackass jackie jaguar jeremy jersey jessie johnny johnson junior katie
keepout kelly kermit kimber ladybug lakers legacy lucky maddog maggie marley marlboro marshall matrix maxwell melvin
memory midnight molly montana morgan murphy mustang napoleon nelson nicholas nissan norman october oscar packard
parker pavilion peaches peewee penelope phantom philips pickle platinum pookie poohbear precious prodigy pumpkin
qwaszx rabbit rascal raymond reggie remember renegade rosebud rosemary sabrina sailor salvador sammy saturn scorpio
scooter scorpion sebastian seven shannon sharky shelby shorty sidney sierra skipper slipper smokey snickers snowball
sparky spike spitfire stanley startfinish steelers stella sterling stinky stoner strike stranger sucker sugar swordfish
sydney sylvester tanner taurus tazmania thumper tinker tinkerbell tigger toyota trigger tristan trumpet tucker turtle
valentine vampire vanhalen vegas vikings voyager walker warrior weasel whisky wildcat wildcats willow wilson winston
woody yankee yellow zeppelin zorro
`;

/** Letters only, lower case. */
export const COMMON_WORDS: ReadonlySet<string> = new Set(TEXT.trim().split(/\s+/));

/** Runs over the keys, and numbers with a pattern, of eight digits and more. Dates are told by their form. */
export const NUMBERS: ReadonlySet<string> = new Set(
  `01234567 012345678 0123456789 12345678 123456789 1234567890 12345678910 1234567891 123456781 12345679 123456780
  87654321 987654321 0987654321 9876543210 98765432 1234554321 12344321 123454321 123321123 123123123 12312312 123456123
  123456654321 11223344 1122334455 112233445566 44332211 5544332211 11112222 111222333 111222333444 11111112 22223333
  12341234 12121212 10203040 1020304050 102030405060 13579246 1357924680 2468101214 24681012 135792468 147258369
  1472583690 147147147 147852369 14785236 963852741 369258147 258456357 159753159 159357159 15975300 159357258 753159456
  741852963 7418529630 789456123 7894561230 78945612 456789123 321654987 987456321 963258741 951753852 852456951
  31415926 314159265 3141592653 27182818 271828182 16180339 14142135 11235813 1123581321 17171717 42424242 69696969
  00000007 00700700 20002000 20202021 19191919`.split(/\s+/),
);
