package wire

// RequestKind makes Info a Request.
func (Info) RequestKind() Kind { return KindInfo }

// RequestKind makes Create a Request.
func (Create) RequestKind() Kind { return KindCreate }

// RequestKind makes Open a Request.
func (Open) RequestKind() Kind { return KindOpen }

// RequestKind makes Close a Request.
func (Close) RequestKind() Kind { return KindClose }

// RequestKind makes Append a Request.
func (Append) RequestKind() Kind { return KindAppend }

// RequestKind makes Read a Request.
func (Read) RequestKind() Kind { return KindRead }

// RequestKind makes Subscribe a Request.
func (Subscribe) RequestKind() Kind { return KindSubscribe }

// RequestKind makes Signal a Request.
func (Signal) RequestKind() Kind { return KindSignal }

// RequestKind makes Rotate a Request.
func (Rotate) RequestKind() Kind { return KindRotate }

// RequestKind makes Manage a Request.
func (Manage) RequestKind() Kind { return KindManage }

// RequestKind makes Door a Request.
func (Door) RequestKind() Kind { return KindDoor }

// RequestKind makes Knock a Request.
func (Knock) RequestKind() Kind { return KindKnock }

// RequestKind makes PoolPut a Request.
func (PoolPut) RequestKind() Kind { return KindPoolPut }

// RequestKind makes PoolTake a Request.
func (PoolTake) RequestKind() Kind { return KindPoolTake }

// RequestKind makes Member a Request.
func (Member) RequestKind() Kind { return KindMember }

// RequestKind makes BlobPut a Request.
func (BlobPut) RequestKind() Kind { return KindBlobPut }

// RequestKind makes BlobStat a Request.
func (BlobStat) RequestKind() Kind { return KindBlobStat }

// RequestKind makes BlobGet a Request.
func (BlobGet) RequestKind() Kind { return KindBlobGet }

// RequestKind makes BlobDelete a Request.
func (BlobDelete) RequestKind() Kind { return KindBlobDelete }

// RequestKind makes Ping a Request.
func (Ping) RequestKind() Kind { return KindPing }

// RequestKind makes BlobPart a Request.
func (BlobPart) RequestKind() Kind { return KindBlobPart }

// AnswerKind makes Done an Answer.
func (Done) AnswerKind() Kind { return KindDone }

// AnswerKind makes ServerInfo an Answer.
func (ServerInfo) AnswerKind() Kind { return KindServerInfo }

// AnswerKind makes Opened an Answer.
func (Opened) AnswerKind() Kind { return KindOpened }

// AnswerKind makes Appended an Answer.
func (Appended) AnswerKind() Kind { return KindAppended }

// AnswerKind makes Records an Answer.
func (Records) AnswerKind() Kind { return KindRecords }

// AnswerKind makes Pool an Answer.
func (Pool) AnswerKind() Kind { return KindPool }

// AnswerKind makes Package an Answer.
func (Package) AnswerKind() Kind { return KindPackage }

// AnswerKind makes BlobState an Answer.
func (BlobState) AnswerKind() Kind { return KindBlobState }

// AnswerKind makes BlobData an Answer.
func (BlobData) AnswerKind() Kind { return KindBlobData }

// EventKind makes RecordEvent an Event.
func (RecordEvent) EventKind() Kind { return KindRecordEvent }

// EventKind makes SignalEvent an Event.
func (SignalEvent) EventKind() Kind { return KindSignalEvent }

// EventKind makes GoneEvent an Event.
func (GoneEvent) EventKind() Kind { return KindGoneEvent }
