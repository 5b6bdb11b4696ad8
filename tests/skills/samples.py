"""One skill in each style of file."""

from typing import Final

CLEANED_ESCO: Final = (
    "uri,label_en,alt_labels_en,concept_type,reuse_level,description_en,broader_uris,broader_labels_en,collections,"
    "release\n"
    "http://data.europa.eu/esco/skill/000f1d3d-220f-4789-9c0a-cc742521fb02,Haskell,"
    'Haskell techniques|Haskell language,knowledge,sector-specific,"Techniques, and principles.",,,digital,1.2.0\n'
)
OFFICIAL_ESCO: Final = (
    "conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,hiddenLabels,status,modifiedDate,scopeNote,"
    "definition,inScheme,description\n"
    "KnowledgeSkillCompetence,http://data.europa.eu/esco/skill/000f1d3d-220f-4789-9c0a-cc742521fb02,knowledge,"
    'sector-specific,Haskell,"Haskell techniques\nHaskell language",,released,2016-12-20T19:32:45Z,,,,'
    '"Techniques, and principles."\n'
)
ONET: Final = (
    "technology,commodity_code,commodity_title,hot_technology,occupation_count,in_demand_occupation_count\n"
    "Microsoft Excel,43232110,Spreadsheet software,Y,859,339\n"
)
OSMT_IMPORT: Final = (
    "Collection,Skill Name,Skill Category,Contextualized Skill Statement,Keywords,BLS Major Group,BLS Minor Group,"
    "BLS Broad Occupation,BLS Detailed Occupation,O*NET Job Role,Professional Standards,Certifications,"
    "Alignment Title,Alignment\n"
    ",SQL Queries,Databases,Write a query that answers a question.,SQL; Databases,15-0000,,,15-1252,,,,SQL,"
    "https://skills.example/KS1\n"
)
OSMT_EXPORT: Final = (
    "Canonical URL,RSD Name,Authors,Skill Statement,Categories,Keywords,Standards,Certifications,"
    "Occupation Major Groups,Occupation Minor Groups,Broad Occupations,Detailed Occupations,O*Net Job Codes,Employers,"
    "Alignment 1 Name,Alignment 1 URL,Alignment 1 Framework,Alignment 2 Name,Alignment 2 URL,Alignment 2 Framework\n"
    "https://osmt.example/api/skills/2444c3b2-37b9-4f4d-92a0-6260ad0a33dd,SQL Queries,A Library,"
    "Write a query that answers a question.,Databases,SQL; Databases,,,15-0000,,,15-1252,,,SQL,"
    "https://skills.example/KS1,,,,\n"
)
CLEANED_RSD: Final = (
    "uuid,skill_name,skill_statement,categories,keywords,occupation_codes\n"
    "2444c3b2-37b9-4f4d-92a0-6260ad0a33dd,SQL Queries,Write a query that answers a question.,Databases,SQL|Databases,"
    "15-0000|15-1252\n"
)
