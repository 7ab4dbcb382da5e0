"""The word lists behind mentions and opinions. Each says why a word is on it."""


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Nouns that name nothing a business could act on; as the last word of a longer term ("waiting time") they count.
VAGUE = words(
    """thing things something anything everything nothing someone anyone everyone somebody anybody everybody nobody
    none one ones other others lot lots bit bits plenty couple few number amount part sort kind type way ways fact
    case example instance reason reasons point matter rest side end start beginning middle moment time times
    occasion occasions world life people person persons thanks thank please sorry ok okay yes no yeah hello hi bye
    cheers wow lol omg n/a na etc pros cons ps self selves half majority sense use regard regards respect question
    questions answer comment comments opinion fault luck god goodness course hand hands mind shame behalf touch need
    needs percent law out ill favour favor way ways term terms thought thoughts lookout disguise addition general
    particular total love stars star review reviews lack deal means xx xxx xxxx
    class home spot favourite favorite favorites co dozen par chance advance round short front look
    head town city"""
)  # fmt: skip

# People of the speaker's own, and people of no role: who came along, not what was good or bad. Before another
# noun they are no part of its name either ("my husband appointment").
PEOPLE = words(
    """man woman men women guy guys lady ladies gentleman gentlemen bloke chap kid kids child children son sons
    daughter daughters husband hubby wife partner mother mum mom mam father dad parent parents brother sister uncle
    aunt friend friends family grandson granddaughter grandmother grandfather grandma grandad nan boyfriend
    girlfriend neighbour neighbours neighbor baby toddler"""
)  # fmt: skip

# Spans of time and points in it: "two hours" alone is a date or a number, not a mention.
TIME = words(
    """second seconds sec secs minute minutes min mins hour hours hr hrs day days week weeks fortnight month months
    year years yr yrs decade decades century today tomorrow yesterday tonight morning mornings afternoon afternoons
    evening evenings night nights midnight noon weekend weekends weekday weekdays monday tuesday wednesday thursday
    friday saturday sunday mondays tuesdays wednesdays thursdays fridays saturdays sundays january february march
    april may june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec
    am pm a.m. p.m. o'clock date dates age ages season summer winter spring autumn christmas easter xmas period
    while future past"""
)  # fmt: skip

TITLES = words("mr mrs ms miss mx sir madam")
# Before a name these are the mention; the name is nobody's theme.
ROLES = words("dr doctor prof professor nurse sister matron paramedic driver manager")

# Adjectives that say which one, not how it was: they belong to the name of the thing ("mental health", "hot food").
CLASSIFYING = words(
    """mental medical social public online digital electronic mobile personal private financial dental general local
    national international central main annual daily weekly monthly technical physical emotional domestic commercial
    legal electric electrical solar automatic automated manual virtual postal internal external outpatient inpatient
    clinical surgical chronic primary secondary maternal prenatal red white black green blue brown grilled fried
    smoked baked iced human disabled wireless prepaid direct instant french italian indian thai chinese japanese
    mexican spanish greek korean vietnamese american british european asian waiting opening closing dining parking
    booking shopping billing changing living operating recording cleaning catering training nursing sitting meeting
    charging boarding ordering pricing sizing washing sleeping fitting seating tracking checking running walking
    swimming sporting following cooking drinking reading writing driving consulting breathing hearing teaching"""
)  # fmt: skip

# Adjectives that point or count instead of judging.
POINTING = words(
    """other same own last next first second third many several such whole certain various different particular
    previous former current recent entire total overall only usual due able various another following more most much
    all both each every any some few little half double extra additional main"""
)  # fmt: skip

# Verbs that say nothing of their subject or object unless something stands with them ("came", "was told").
LIGHT_VERBS = words(
    """be is are was were been being am have has had having do does did done doing go goes went gone going come comes
    came coming get gets got gotten getting make makes made making take takes took taken taking give gives gave
    given giving say says said saying tell tells told telling ask asks asked asking see sees saw seen seeing know
    knows knew known use uses used using call calls called calling put puts let lets think thinks thought find finds
    found feel feels felt want wants wanted need seem seems seemed look looks looked say keep kept try tried start
    started receive receives received speak spoke spoken speaking talk talked talking contact contacted bring
    brought buy bought order ordered attend attended visit visited wear wore wearing mean means meant include
    included includes become became show shows showed leave left hear heard"""
)  # fmt: skip

# Verbs of what the speaker feels, thinks or does next: an opinion on something else, nobody could act on them.
STANCES = words(
    """love loves loved loving like likes liked hate hates hated enjoy enjoys enjoyed enjoying appreciate appreciated
    recommend recommends recommended recommending thank thanks thanked hope hopes hoped hoping wish wishes wished
    prefer preferred expect expects expected expecting guess bet doubt believe believes believed suppose suggest
    suggested agree agreed admit wonder wondering understand understood realise realised realize realized remember
    remembered forget forgot decide decided learn learned learnt mention mentioned consider considered compare
    compared experience experienced notice noticed choose chose chosen based pleased satisfied impressed
    disappointed concerned interested surprised worried amazed shocked please rate rated score scored continue
    continued begin began begun happen happens happened happening live lives lived add added needed needs need manage
    managed try trying deserve deserves praise fault"""
)  # fmt: skip

# What everybody does everywhere: said of only when it was not done ("does not work", "never arrived").
EVERYDAY = words(
    """sit sits sat sitting stand stands stood standing stay stays stayed stop stops stopped end ended turn turned set
    sets hold held move moved run ran walk walked drive drove driven arrive arrives arrived enter entered return
    returned eat ate eaten eating drink drank drunk send sent pick picked carry carried work works worked working
    read write wrote written explain explains explained care cares cared listen listens listened answer answers
    answered open opens opened book booked pay paid spend spent hand handed pass passed follow followed check
    checked"""
)  # fmt: skip

# The complement, not the verb, is what is said: "was", "felt" and "smelled" awful.
COPULAS = words(
    """be is are was were been being am 's 're 'm seem seems seemed look looks looked feel feels felt sound sounds
    sounded taste tastes tasted smell smells smelled smelt become becomes became get gets got remain remains
    remained stay stays stayed appear appears appeared"""
)  # fmt: skip

# "I do not think that it was good" says that it was not.
NEG_RAISING = words(
    """think thinks thought thinking believe believes believed feel feels felt find finds found expect expected imagine
    suppose seem seems seemed appear appears appeared say said"""
)  # fmt: skip

NEGATORS = words("not never no n't neither nor hardly barely scarcely rarely nowhere cannot")
NEGATIVE_SUBJECTS = words("nobody none nothing neither no-one noone")
NEGATIVE_DETERMINERS = words("no neither zero nil")
NEGATIVE_PREPOSITIONS = words("without minus lacking")
ABSENCES = words("lack absence none shortage")  # "lack of parking"
# Words at which a judgement turns.
CONTRASTS = words("but although though however yet whereas whilst nevertheless nonetheless except unfortunately sadly")
# "Not only was it late …" denies nothing.
AFTER_NOT = words("only just merely simply")
