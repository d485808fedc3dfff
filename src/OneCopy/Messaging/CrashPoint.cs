using System.Runtime.CompilerServices;

namespace OneCopy.Messaging;

/// <summary>
/// A place where tests kill or stop the process: right before the step it names, so that all places together are "between any two
/// steps". Off in every real process: the field is then a constant null to the compiler of the hot paths, and the call is gone.
/// </summary>
internal static class CrashPoint
{
    /// <summary>The key of <see cref="AppContext.SetData"/>; to be set, to an <see cref="Action{String}"/>, before the library is first used.</summary>
    public const string Key = "OneCopy.CrashPoint";

    private static readonly Action<string>? s_reached = AppContext.GetData(Key) as Action<string>;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void At(string step)
    {
        if (s_reached is not null)
            s_reached(step);
    }
}
