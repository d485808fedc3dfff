using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>The life of a queue: making, joining, leaving, deleting.</summary>
internal static partial class CrashScenarios
{
    private const string JoinersWait = "who would join waits for the deletion's end";

    private static IEnumerable<CrashScenario> Living =>
    [
        new("Open, makes the queue", "creator") { Before = "", Do = "open", Alone = true },
        new("Open, another makes the queue meanwhile", "creator")
        {
            Before = "wait-at create.link",
            Do = "open",
            Alone = true,
            NotItsOwn = ["create.directory", "create.file", "create.allocate", "create.header"],
            During = static async row =>
            {
                (CrashProcess _, int _) = await row.Join(3);
                row.LetGo();
            },
        },
        new("Open, joins the queue", "joiner") { Before = "", Do = "open" },
        new("Open, a dead sender's last message was completed and its place not freed", "joiner")
        {
            Before = "",
            Do = "open",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                (CrashProcess dead, int index) = await row.Join(3);
                await dead.Do("send 20000");
                dead.Kill();
                await CrashRow.Until(() => row.IsDead(index), "the dead sender is recovered");
                await row.RecoverLate();
                await Task.Delay(50);
                row.CompleteUnnoticed(index, "3:1");
            },
        },
        new("Open, a deleter died on the way", "joiner")
        {
            Before = "",
            Do = "open",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                (CrashProcess deleter, int _) = await row.Join(3);
                await deleter.Do("close; die delete.check 1");
                await CrashRow.Dies(deleter, "try-delete");
            },
        },
        new("Close", "whoever closes") { Do = "close", EndsHandle = true, ReceiverWaits = true, Prepare = static row => row.RecoverLate() },
        new("Close, messages are held", "receiver")
        {
            Before = "open; receive; read; receive; read",
            SenderBefore = "send 100; send 20000",
            Do = "close",
            EndsHandle = true,
            GivesBack = true,
            ReceiverWaits = true,
            Prepare = static row => row.RecoverLate(),
        },
        new("Close, messages wait", "sender") { Before = "open; send 100; send 20000", Do = "close", EndsHandle = true, ReceiverWaits = true, Prepare = static row => row.RecoverLate() },
        new("Close, messages are held and the ring is full", "receiver")
        {
            Before = "open; receive; read",
            SenderBefore = "send 100",
            Do = "close",
            EndsHandle = true,
            GivesBack = true,
            ReceiverWaits = true,
            Prepare = static row => row.Sender.Do("fill"),
        },
        new("Delete", "deleter")
        {
            Before = "open; close",
            Do = "delete-if-unused",
            Alone = true,
            EndsHandle = true,
            JoinersWait = JoinersWait,
        },
        new("Delete, refused", "deleter")
        {
            Before = "",
            Do = "try-delete",
            EndsHandle = true,
        },
    ];
}
