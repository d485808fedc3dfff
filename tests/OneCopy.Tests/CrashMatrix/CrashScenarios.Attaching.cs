using OneCopy.Messaging;

namespace OneCopy.Tests.CrashMatrix;

/// <summary>Attached messages: sending, pulling, moving, withdrawing.</summary>
internal static partial class CrashScenarios
{
    private static IEnumerable<CrashScenario> Attaching =>
    [
        new("SendAsync, attached", "sender")
        {
            Do = "attach 100000",
            ReceiverWaits = true,
            During = TakeOnceAsleep,
        },
        new("Receive, pull and Complete, attached", "receiver")
        {
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static row => AttachAndWait(row),
        },
        new("Receive and move, the pull is refused", "receiver")
        {
            VictimOptions = "no-attach",
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await AttachAndWait(row);
                await row.Sender.Do("wait-at move.copy");
            },
            During = static async row =>
            {
                if (await row.When(() => row.VictimSleeps, "the receiver sleeps until the payload is moved"))
                    row.LetGo();
            },
        },
        new("SendAsync and move, the pull is refused", "sender")
        {
            // "Where the pull is refused, its receiver waits for it": another one does not.
            SenderTakes = true,
            ReceiverOptions = "no-attach",
            Do = "attach 100000",
            ReceiverWaits = true,
            During = TakeOnceAsleep,
        },
        new("Receive and be pushed to, the pull is refused", "receiver")
        {
            VictimOptions = "no-pull",
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await AttachAndWait(row);
                await row.Sender.Do("wait-at help.take");
            },
            During = static async row =>
            {
                if (await row.When(() => row.VictimSleeps, "the receiver sleeps until the payload is pushed"))
                    row.LetGo();
            },
        },
        new("SendAsync and push, the pull is refused", "sender")
        {
            // The receiver of a stopped sender's message waits for it: another one does not.
            SenderTakes = true,
            ReceiverOptions = "no-pull",
            Do = "attach 100000",
            ReceiverWaits = true,
            During = TakeOnceAsleep,
        },
        new("SendAsync and give a push back, the pull is refused", "sender")
        {
            SenderTakes = true,
            Before = "open; no-push",
            ReceiverOptions = "no-pull",
            Do = "attach 100000",
            ReceiverWaits = true,
            During = TakeOnceAsleep,
        },
        new("Receive, both copy, attached", "receiver")
        {
            // Its sender's help comes late, so that it takes every piece itself.
            VictimOptions = "knows-pull",
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = AttachAndHelpLate,
        },
        new("Receive, both copy, a piece is given back", "receiver")
        {
            VictimOptions = "knows-pull",
            Before = "open; wait-at both.take",
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await row.Sender.Do("no-push");
                await AttachAndWait(row, 1_000_000);
            },
            During = static async row =>
            {
                if (await row.When(() => row.PieceIsMarked(row.VictimIndex), "the sender has given a piece back"))
                    row.LetGo();
            },
        },
        new("Receive, staged, attached", "receiver")
        {
            // Whether its sender comes in time for the later pieces is chance.
            NotItsOwn = ["staged.pull"],
            VictimOptions = "knows-pull stages",
            Before = "open; wait-at staged.wait",
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = static row => AttachAndWait(row, 1_000_000),
            During = static async row =>
            {
                if (await row.When(() => row.PieceIsMarked(row.VictimIndex), "the sender has written a piece"))
                    row.LetGo();
            },
        },
        new("Receive, staged, attached, its sender does not help", "receiver")
        {
            VictimOptions = "knows-pull stages",
            Do = "receive; read; complete",
            ReceiverWaits = true,
            Prepare = AttachAndHelpLate,
        },
        new("SendAsync and withdraw, queued", "sender")
        {
            Before = "open; begin-attach 100000",
            Do = "cancel; end-attach",
            ReceiverWaits = true,
            Prepare = static row => row.When(() => row.OwnIsAsleep(row.VictimIndex) && row.Tail != row.Head, "the sender waits for its message"),
        },
        new("SendAsync and withdraw, held by a receiver", "sender")
        {
            Before = "open; begin-attach 100000",
            Do = "cancel; end-attach",
            ReceiverWaits = true,
            ReceiverAfter = "finish-held",
            Prepare = static async row =>
            {
                await row.When(() => row.OwnIsAsleep(row.VictimIndex) && row.Tail != row.Head, "the sender waits for its message");
                await row.Receiver.Do("receive");
            },
        },
        new("Close, an attached message is queued", "sender")
        {
            Before = "open; begin-attach 100000",
            Do = "close; end-attach",
            EndsHandle = true,
            ReceiverWaits = true,
            Prepare = static async row =>
            {
                await row.RecoverLate();
                await row.When(() => row.OwnIsAsleep(row.VictimIndex) && row.Tail != row.Head, "the sender waits for its message");
            },
        },
    ];

    private static async Task AttachAndHelpLate(CrashRow row)
    {
        await AttachAndWait(row, 1_000_000);
        await row.Sender.Do("wait-at help.read");
    }

    private static async Task AttachAndWait(CrashRow row, int length = 100_000)
    {
        await row.Sender.Do($"begin-attach {length}");
        await row.When(() => row.Tail != row.Head && row.OwnIsAsleep(row.SenderIndex), "the message is in the ring");
    }
}
