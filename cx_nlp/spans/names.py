"""First names of people: nobody's theme. A list, as recognising entities would cost more than all the rest of parsing.

Left out is what also names a thing, a place, a month or a virtue ("Will", "Paris", "Patience"): a theme that is lost
is worse than a name that stays. The commonest in the English-speaking countries, of all their communities.
"""

from cx_nlp.spans.words import words

FIRST_NAMES = words(
    """aaron abby abdul abigail adam adrian ahmed aidan aisha alan albert alejandro alex alexander alexandra alexis ali
    alice alicia alison allan allison alyssa amanda amelia amina amir amy ana andre andrea andreea andrew andy angela
    anita ann anna anne annette anthony antonio arthur ashley audrey barbara barry becky belinda ben benjamin bernard
    bernie beth bethany betty beverley bianca bob bonnie brandon brenda brendan brian bridget bruce bryan caitlin
    callum cameron camilla carl carla carlos carmen carol carole caroline catherine cathy catriona cecilia charlene
    charles charlie charlotte cheryl chloe chris christina christine christopher cindy claire clara clare claudia
    colin connor courtney craig curtis cynthia daniel daniela danielle danny darren dave david dawn deborah debbie
    debra declan deepak denise dennis derek diana diane diego dominic donald donna doreen doris dorothy doug douglas
    duncan dylan ebony eddie edith edward eileen elaine eleanor elena elizabeth ella ellen ellie elliot elsie emily
    emma eric erica erin ethan eva evan evelyn fatima fiona frances francesca francis fred freddie freya gabriel
    gareth gary gavin gemma geoff geoffrey george gerald gerard gillian gina gloria gordon graham greg gregory gwen
    hannah harold harriet harry harvey hassan hayley heather heidi helen helena henry hilary holly howard hugh hussain
    ian ibrahim imran irene isaac isabel isabella isla ivan jackie jacob jacqueline jake jamal james jamie jane janet
    janice janine jasmine jason javier jay jeff jeffrey jenna jennifer jenny jeremy jerry jess jesse jessica jill jim
    jimmy jo joan joanna joanne joe joel john johnny jonathan jose joseph josephine josh joshua joyce juan juanita
    judith judy julia julian julie juliet justin karen karl kate katherine kathleen kathryn kathy katie katrina kayla
    keith kelly ken kenneth kerry kevin kieran kim kimberly kirsty kristen kristin kyle lakshmi larry latoya laura
    lauren laurence leah leanne lee leon leonard lesley leslie lewis liam linda lindsay lindsey lisa liz lloyd logan
    lorna lorraine louis louise lucas lucy luis luke lynda lynn lynne maggie malcolm mandy manuel marc marcus margaret
    maria marian marie marilyn mario marion marjorie marlene martha martin mary mathew matt matthew maureen maurice
    megan mehmet melanie melissa michael michelle miguel mike mohamed mohammed molly monica morgan muhammad nadia
    naomi natalie natasha nathan neil nicholas nicola nicole nigel nina noah noel nora norma norman oliver olivia
    omar oscar pamela patel patricia patrick paul paula pauline pedro peggy peter phil philip phillip phyllis piotr
    priya rachael rachel rahul ralph raymond rebecca reece rhys ricardo richard rita robert roberta roger ronald
    rosie ross roy ruth ryan sally sam samantha samuel sandra sanjay sara sarah scott sean sebastian shane shannon
    sharon shaun sheila shelley shirley sian sidney simon simone siobhan sofia sophia sophie stacey stacy stanley
    stella stephanie stephen steve steven stuart susan suzanne sylvia tanya tara ted teresa terry thelma theresa
    thomas tiffany tim timothy tina toby todd tom tommy toni tony tracey tracy trevor tyler valerie vanessa vera
    veronica vicky victoria vikram vincent vivian vivien walter wayne wendy wesley wilfred william wyatt xavier yasmin
    yusuf yvonne zachary zainab zara zoe"""
)
