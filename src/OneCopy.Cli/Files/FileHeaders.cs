namespace OneCopy.Cli.Files;

/// <summary>What a file carries beside its content.</summary>
internal static class FileHeaders
{
    /// <summary>Where it belongs, relative to the receiver's directory, with '/' between the parts.</summary>
    public const string Name = "onecopy-file-name";
}
