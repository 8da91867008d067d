package policy

// Action is something that can be done, as the table names it.
type Action string

// The actions. What each means is in the table below and in Actions.
const (
	InstanceRead Action = "instance.read"
	AccountOwn   Action = "account.own"
	TokenOwn     Action = "token.own"
	JobRead      Action = "job.read"
	EventsRead   Action = "events.read"

	ProductList      Action = "product.list"
	ProductCreate    Action = "product.create"
	ProductRead      Action = "product.read"
	ProductEdit      Action = "product.edit"
	ProductTolerance Action = "product.tolerance"
	ProductArchive   Action = "product.archive"
	ProductDelete    Action = "product.delete"

	FieldManage Action = "field.manage"
	FieldFill   Action = "field.fill"

	ModelEdit Action = "model.edit"
	PlanRead  Action = "plan.read"
	PlanApply Action = "plan.apply"

	CountermeasureState  Action = "countermeasure.state"
	CountermeasureReject Action = "countermeasure.reject"
	ThreatStatus         Action = "threat.status"
	ThreatAccept         Action = "threat.accept"

	CommentWrite  Action = "comment.write"
	CommentManage Action = "comment.manage"

	ResultsRead   Action = "results.read"
	ResultsUpload Action = "results.upload"
	ResultsTriage Action = "results.triage"

	TicketsRead    Action = "tickets.read"
	TicketsEdit    Action = "tickets.edit"
	TicketsPublish Action = "tickets.publish"

	BoardRead        Action = "board.read"
	BoardWork        Action = "board.work"
	ConnectionRead   Action = "connection.read"
	ConnectionManage Action = "connection.manage"

	LibraryRead Action = "library.read"
	LibraryEdit Action = "library.edit"
	ReportRead  Action = "report.read"

	AuditRead   Action = "audit.read"
	RoleRead    Action = "role.read"
	RoleManage  Action = "role.manage"
	UserRead    Action = "user.read"
	UserManage  Action = "user.manage"
	TokenManage Action = "token.manage"

	SettingsManage Action = "settings.manage"
	BackupTake     Action = "backup"
)

var table = map[Action]rule{
	InstanceRead: {"", anyone, follows, "see the version, the limits and the capabilities of this installation"},
	AccountOwn:   {"", anyone, follows, "see one's own account and roles"},
	TokenOwn:     {"", anyone, manages, "create, list and revoke one's own API tokens and sessions, change one's own password"},
	JobRead:      {Developer, anyone, follows, "follow background work that one has started"},
	EventsRead:   {Viewer, anyone, reads, "be told what changed, of the products one may read"},

	ProductList:      {"", anyone, reads, "list the products one may read, and the portfolio's figures over them"},
	ProductCreate:    {"", anyone, writes, "create a product and become its administrator"},
	ProductRead:      {Viewer, nobody, reads, "read a product, its model, ratings and explanations"},
	ProductEdit:      {Modeller, nobody, writes, "change a product's name, description, tags and value"},
	ProductTolerance: {Approver, nobody, writes, "set the risk that a product carries without a decision"},
	ProductArchive:   {Administrator, nobody, writes, "archive a product and bring it back"},
	ProductDelete:    {Administrator, nobody, manages, "delete a product with everything in it"},

	FieldManage: {"", admins, manages, "define the custom fields of products"},
	FieldFill:   {Viewer, nobody, writes, "fill in those custom fields of a product that one's role may change"},

	ModelEdit: {Modeller, nobody, writes, "change answers, diagrams, assets, threats, weaknesses, countermeasures and their links; import a model"},
	PlanRead:  {Viewer, nobody, reads, "see what the library would change in a model"},
	PlanApply: {Modeller, nobody, writes, "apply what the library would change in a model"},

	CountermeasureState:  {Developer, nobody, writes, "set a countermeasure to recommended, required or implemented"},
	CountermeasureReject: {Modeller, nobody, writes, "reject a countermeasure or call it not applicable"},
	ThreatStatus:         {Modeller, nobody, writes, "call a threat not applicable, avoided or eliminated, or open it again"},
	ThreatAccept:         {Approver, nobody, writes, "accept or transfer a threat until a date, and end an acceptance"},

	CommentWrite:  {Developer, nobody, writes, "comment on objects of the model, change and delete one's own comments"},
	CommentManage: {Administrator, nobody, writes, "delete anybody's comments and bring them back"},

	ResultsRead:   {Viewer, nobody, reads, "read test runs, results and evidence"},
	ResultsUpload: {Developer, nobody, uploads, "upload test results and finish a run"},
	ResultsTriage: {Modeller, nobody, writes, "map, dismiss and retest results, pin and refuse matches, retire a source"},

	TicketsRead:    {Viewer, nobody, reads, "see a product's tickets and the board"},
	TicketsEdit:    {Developer, nobody, writes, "link tickets by their key and work on tickets of the board"},
	TicketsPublish: {Modeller, nobody, writes, "publish tickets, set what is published by itself, undo a publication"},

	// Whose tickets somebody may see and work on is decided for each by its product.
	BoardRead: {"", anyone, reads, "see the trackers of one's products, and their tickets on the board"},
	BoardWork: {"", anyone, writes, "work on the board's tickets of products on which one is a developer"},

	ConnectionRead:   {Modeller, admins, reads, "see connections with trackers and their state, never their credentials"},
	ConnectionManage: {Administrator, admins, manages, "connect with a tracker, set its credentials, status table and routing"},

	LibraryRead: {"", anyone, reads, "read libraries: component types, risk patterns, rules and questionnaires"},
	LibraryEdit: {"", admins, manages, "change libraries"},
	ReportRead:  {Viewer, nobody, reads, "make and download reports and exports of a product"},

	AuditRead:   {Administrator, admins, reads, "read the audit trail"},
	RoleRead:    {Viewer, nobody, reads, "see who has which role on a product"},
	RoleManage:  {Administrator, nobody, manages, "give and take roles on a product"},
	UserRead:    {"", anyone, reads, "see the names of people, to give them roles and ownership"},
	UserManage:  {"", admins, manages, "create, change and disable accounts"},
	TokenManage: {"", admins, manages, "list and revoke the tokens and sessions of others"},

	SettingsManage: {"", admins, manages, "see and change the settings of the installation"},
	BackupTake:     {"", admins, manages, "take a backup"},
}
