namespace OneCopy.Messaging;

/// <summary>
/// The steps of docs/protocol.md by the names that the model in <c>model/</c> has for them; those that only the code has (making files, closing,
/// deleting, growing) are named alike. Each is a <see cref="CrashPoint"/> of the code.
/// </summary>
internal static class Step
{
    // Making a queue.
    public const string CreateDirectory = "create.directory";
    public const string CreateFile = "create.file";
    public const string CreateAllocate = "create.allocate";
    public const string CreateHeader = "create.header";
    public const string CreateLink = "create.link";
    public const string CreateUnlink = "create.unlink";

    // Join.
    public const string JoinFile = "join.file";
    public const string JoinLock = "join.lock";
    public const string JoinAllocate = "join.allocate";
    public const string JoinHeader = "join.header";
    public const string JoinRename = "join.rename";
    public const string JoinEntry = "join.entry";
    public const string JoinCheck = "join.check";
    public const string JoinLeave = "join.leave";
    public const string JoinLeftovers = "join.leftovers";
    public const string JoinAttention = "join.attention";
    public const string OpenRetire = "open.retire";

    // Send.
    public const string SendTake = "send.take";
    public const string SendRecord = "send.record";
    public const string SendPublish = "send.publish";
    public const string SendWake = "send.wake";
    public const string SendTakeBack = "send.takeback";
    public const string SendDiscard = "send.discard";
    public const string ArenaGrow = "arena.grow";
    public const string ArenaGrown = "arena.grown";

    // Enqueue.
    public const string EnqueueTail = "enq.tail";
    public const string EnqueueCell = "enq.cell";
    public const string EnqueueAdvance = "enq.advance";
    public const string EnqueueHelp = "enq.help";
    public const string FullHead = "full.head";
    public const string FullRemove = "full.remove";
    public const string FullAdvance = "full.advance";

    // Receive.
    public const string ReceiveHead = "recv.head";
    public const string ReceiveCell = "recv.cell";
    public const string ReceiveHelp = "recv.help";
    public const string ReceiveState = "recv.state";
    public const string ReceiveClaim = "recv.claim";
    public const string ReceivePop = "recv.pop";
    public const string ReceiveAdvance = "recv.advance";
    public const string ReceivePass = "recv.pass";
    public const string TakeCopy = "take.copy";
    public const string TakeState = "take.state";
    public const string TakeSleepers = "take.sleepers";

    // The answers.
    public const string CompleteState = "complete.state";
    public const string CompleteRing = "complete.ring";
    public const string CompleteRetire = "complete.retire";
    public const string AbandonState = "abandon.state";
    public const string AbandonEnqueue = "abandon.enqueue";
    public const string AbandonWake = "abandon.wake";
    public const string PutOffKeep = "putoff.keep";
    public const string PutOffEnqueue = "putoff.enqueue";
    public const string DeadSend = "dead.send";
    public const string DeadState = "dead.state";

    // Withdraw, pull, move.
    public const string WithdrawState = "withdraw.state";
    public const string WithdrawRing = "withdraw.ring";
    public const string PullRead = "pull.read";
    public const string PullCheck = "pull.check";
    public const string MoveRequest = "move.request";
    public const string MoveCopy = "move.copy";
    public const string MoveAnswer = "move.answer";
    public const string MoveRing = "move.ring";

    // Push, and both copy: the receiver posts, its owner helps.
    public const string BothPrepare = "both.prepare";
    public const string BothPost = "both.post";
    public const string BothRing = "both.ring";
    public const string PushWait = "push.wait";
    public const string BothClose = "both.close";
    public const string BothWait = "both.wait";
    public const string BothUnpost = "both.unpost";
    public const string PushCheck = "push.check";

    // Both copy: the receiver takes pieces, too.
    public const string BothTake = "both.take";
    public const string BothPull = "both.pull";
    public const string BothAgain = "both.again";
    public const string StagedWait = "staged.wait";
    public const string StagedCopy = "staged.copy";
    public const string StagedPull = "staged.pull";
    public const string HelpRead = "help.read";
    public const string HelpCheck = "help.check";
    public const string HelpTake = "help.take";
    public const string HelpPush = "help.push";
    public const string HelpMark = "help.mark";
    public const string HelpBack = "help.back";
    public const string HelpRing = "help.ring";

    // Sleeping and waking.
    public const string SleepBit = "sleep.bit";
    public const string SleepRead = "sleep.read";
    public const string SleepLook = "sleep.look";
    public const string SleepWait = "sleep.wait";
    public const string SleepClear = "sleep.clear";
    public const string SleepPass = "sleep.pass";
    public const string WakeBitmap = "wake.bitmap";
    public const string WakeBell = "wake.bell";
    public const string WakeFutex = "wake.futex";

    // Death of X, as its recoverer does it.
    public const string DeathLock = "death.lock";
    public const string DeathLook = "death.entry?";
    public const string DeathScan = "death.scan";
    public const string DeathFilling = "death.filling";
    public const string DeathLost = "death.lost";
    public const string DeathLeased = "death.leased";
    public const string DeathEnqueue = "death.enqueue";
    public const string DeathFull = "death.full";
    public const string DeathRing = "death.ring";
    public const string DeathBits = "death.bits";
    public const string DeathMark = "death.entry";
    public const string DeathAgain = "death.again";
    public const string DeathRetire = "death.retire";

    // Retire.
    public const string RetireCheck = "retire.check";
    public const string RetireUnlink = "retire.unlink";
    public const string RetireCounters = "retire.counters";
    public const string RetireEntry = "retire.entry";
    public const string RetireRing = "retire.ring";

    // Close.
    public const string CloseBegin = "close.begin";
    public const string CloseLeases = "close.leases";
    public const string CloseBlocks = "close.blocks";
    public const string CloseClosed = "close.closed";
    public const string CloseUnlock = "close.unlock";

    // Delete.
    public const string DeleteMark = "delete.mark";
    public const string DeleteCheck = "delete.check";
    public const string DeleteFiles = "delete.files";
    public const string DeleteRing = "delete.ring";
    public const string DeleteDirectory = "delete.directory";
}
