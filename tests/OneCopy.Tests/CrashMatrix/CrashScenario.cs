namespace OneCopy.Tests.CrashMatrix;

/// <summary>An operation, and who of those who take part in it is hit.</summary>
internal sealed record CrashScenario(string Operation, string Role)
{
    public const string Defaults = "ring=64 blocks=128 arena=1048576 sleep";

    /// <summary>Beside <see cref="Defaults"/>, for the victim alone.</summary>
    public string VictimOptions { get; init; } = "";

    /// <summary>For those who make the queue: all of them.</summary>
    public string QueueOptions { get; init; } = "";

    /// <summary>For the surviving receiver alone.</summary>
    public string ReceiverOptions { get; init; } = "";

    /// <summary>What the surviving sender sends before that.</summary>
    public string SenderBefore { get; init; } = "";

    /// <summary>What the victim does before its steps count.</summary>
    public string Before { get; init; } = "open";

    /// <summary>The operation, in the victim's commands; empty: what <see cref="During"/> brings about in it.</summary>
    public string Do { get; init; } = "";

    /// <summary>What the victim does with what the operation left it, if it still can.</summary>
    public string After { get; init; } = "";

    /// <summary>Whether the surviving receiver takes nothing until the crash, so that what is there is the victim's to meet.</summary>
    public bool ReceiverWaits { get; init; }

    /// <summary>Whether the surviving receiver is at it again once all is prepared.</summary>
    public bool ReceiverIsBack { get; init; }

    /// <summary>What the surviving receiver has left to do after the crash.</summary>
    public string ReceiverAfter { get; init; } = "";

    /// <summary>Whether the surviving sender takes messages too, as the receiver may have to wait for a stopped victim.</summary>
    public bool SenderTakes { get; init; }

    /// <summary>Whether the survivors join only at the crash: there is no queue before, or it is to be deleted.</summary>
    public bool Alone { get; init; }

    /// <summary>Whether the operation ends the victim's handle, or it has none.</summary>
    public bool EndsHandle { get; init; }

    /// <summary>Whether messages come again without an attempt having been counted (a handle that is closed gives them back).</summary>
    public bool GivesBack { get; init; }

    /// <summary>Whether a message may be in the dead-letter queue and come again, or be there twice, after a kill between the two steps of it.</summary>
    public bool DeadLetters { get; init; }

    /// <summary>Whether, while the victim is stopped, what a third process left waits for it: the victim is just recovering that one.</summary>
    public bool HasAnothersFate { get; init; }

    /// <summary>Why others who would join wait while the victim is stopped; null: they do not.</summary>
    public string? JoinersWait { get; init; }

    /// <summary>Brings about what the victim is to meet. The survivors are quiet.</summary>
    public Func<CrashRow, Task> Prepare { get; init; } = static _ => Task.CompletedTask;

    /// <summary>What happens while the operation is under way, until the crash.</summary>
    public Func<CrashRow, Task> During { get; init; } = static _ => Task.CompletedTask;

    /// <summary>Steps that belong to another operation, which has rows of its own for them, by how their names begin.</summary>
    public string[] NotItsOwn { get; init; } = [];

    public string Name => $"{Operation} / {Role}";

    public bool Owns(string step) => !NotItsOwn.Any(p => step.StartsWith(p, StringComparison.Ordinal));
}
