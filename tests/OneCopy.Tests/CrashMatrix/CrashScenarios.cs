namespace OneCopy.Tests.CrashMatrix;

/// <summary>All operations and roles, in the order of the table.</summary>
internal static partial class CrashScenarios
{
    public static IReadOnlyList<CrashScenario> All { get; } = [.. Sending, .. Attaching, .. Receiving, .. Answering, .. Dying, .. Living];
}
