"""What lies in `acl.mdl`; `acl_bundle.pyacl.table` says how a row is read."""

ROWS = """
load_from_file               aclmdlLoadFromFile          sU>e!
load_from_mem                aclmdlLoadFromMem           kkU>e!
load_from_file_with_mem      aclmdlLoadFromFileWithMem   sUkkkk>e!
load_from_mem_with_mem       aclmdlLoadFromMemWithMem    kkUkkkk>e!
load_from_file_with_q        aclmdlLoadFromFileWithQ     sUkkkk>e!
load_from_mem_with_q         aclmdlLoadFromMemWithQ      kkUkkkk>e!
unload                       aclmdlUnload                I>e!
query_size                   aclmdlQuerySize             sPP>e!
query_size_from_mem          aclmdlQuerySizeFromMem      kkPP>e!
create_config_handle         aclmdlCreateConfigHandle    >p
destroy_config_handle        aclmdlDestroyConfigHandle   k>e
set_config_opt               aclmdlSetConfigOpt          kikk>e      @kio
load_with_config             aclmdlLoadWithConfig        kU>e

bundle_load_from_file        aclmdlBundleLoadFromFile    sU>e!
bundle_load_from_mem         aclmdlBundleLoadFromMem     kkU>e!
bundle_unload                aclmdlBundleUnload          I>e!
bundle_get_model_num         aclmdlBundleGetModelNum     IP>e!
bundle_get_model_id          aclmdlBundleGetModelId      IkU>e!

create_desc                  aclmdlCreateDesc            >p
destroy_desc                 aclmdlDestroyDesc           k>e!
get_desc                     aclmdlGetDesc               kI>e!
get_desc_from_file           aclmdlGetDescFromFile       ks>e!
get_desc_from_mem            aclmdlGetDescFromMem        kkk>e!
get_num_inputs               aclmdlGetNumInputs          k>p!
get_num_outputs              aclmdlGetNumOutputs         k>p!
get_input_size_by_index      aclmdlGetInputSizeByIndex   kk>p!
get_output_size_by_index     aclmdlGetOutputSizeByIndex  kk>p!
get_input_name_by_index      aclmdlGetInputNameByIndex   kk>t!
get_output_name_by_index     aclmdlGetOutputNameByIndex  kk>t!
get_input_index_by_name      aclmdlGetInputIndexByName   ksP>e!
get_output_index_by_name     aclmdlGetOutputIndexByName  ksP>e!
get_input_format             aclmdlGetInputFormat        kk>e!
get_output_format            aclmdlGetOutputFormat       kk>e!
get_input_data_type          aclmdlGetInputDataType      kk>e!
get_output_data_type         aclmdlGetOutputDataType     kk>e!
get_tensor_real_name         aclmdlGetTensorRealName     ks>t
get_op_attr                  aclmdlGetOpAttr             kss>t
create_and_get_op_desc       aclmdlCreateAndGetOpDesc    IIIkkPPPP>e! @IIIk

get_input_dims               aclmdlGetInputDims          kk{dims}>e!
get_input_dims_v2            aclmdlGetInputDimsV2        kk{dims}>e!
get_output_dims              aclmdlGetOutputDims         kk{dims}>e!
get_cur_output_dims          aclmdlGetCurOutputDims      kk{dims}>e!
get_dynamic_batch            aclmdlGetDynamicBatch       k{batch}>e!
get_dynamic_hw               aclmdlGetDynamicHW          kk{hw}>e!
get_input_dynamic_gear_count aclmdlGetInputDynamicGearCount kkP>e!
get_input_dynamic_dims       aclmdlGetInputDynamicDims   kkkk>e!     @kkk
get_input_dims_range         aclmdlGetInputDimsRange     kk{range}>e!
set_dynamic_batch_size       aclmdlSetDynamicBatchSize   Ikkk>e!
set_dynamic_hw_size          aclmdlSetDynamicHWSize      Ikkkk>e!
set_input_dynamic_dims       aclmdlSetInputDynamicDims   Ikkk>e!     @Ikkd

create_dataset               aclmdlCreateDataset         >p
destroy_dataset              aclmdlDestroyDataset        k>e!
add_dataset_buffer           aclmdlAddDatasetBuffer      kk>m!
get_dataset_num_buffers      aclmdlGetDatasetNumBuffers  k>p!
get_dataset_buffer           aclmdlGetDatasetBuffer      kk>p!
set_dataset_tensor_desc      aclmdlSetDatasetTensorDesc  kkk>m
get_dataset_tensor_desc      aclmdlGetDatasetTensorDesc  kk>p
execute                      aclmdlExecute               Ikk>e!
execute_async                aclmdlExecuteAsync          Ikkk>e!
execute_v2                   aclmdlExecuteV2             Ikkkk>e!
create_exec_config_handle    aclmdlCreateExecConfigHandle >p
destroy_exec_config_handle   aclmdlDestroyExecConfigHandle k>e
set_exec_config_opt          aclmdlSetExecConfigOpt      kkkk>e!     @kkI

init_dump                    aclmdlInitDump              >e
finalize_dump                aclmdlFinalizeDump          >e
set_dump                     aclmdlSetDump               S>e!
dump_reg_callback            acldumpRegCallback          ki>e!       @oi
dump_unreg_callback          acldumpUnregCallback        >v          @

create_aipp                  aclmdlCreateAIPP            k>p!
destroy_aipp                 aclmdlDestroyAIPP           k>e!
set_aipp_input_format        aclmdlSetAIPPInputFormat    kI>e!
set_aipp_csc_params          aclmdlSetAIPPCscParams      kbhhhhhhhhhBBBBBB>e!
set_aipp_rbuv_swap_switch    aclmdlSetAIPPRbuvSwapSwitch kb>e!
set_aipp_ax_swap_switch      aclmdlSetAIPPAxSwapSwitch   kb>e!
set_aipp_src_image_size      aclmdlSetAIPPSrcImageSize   kii>e!
set_aipp_scf_params          aclmdlSetAIPPScfParams      kbiiiik>e!
set_aipp_crop_params         aclmdlSetAIPPCropParams     kbiiiik>e!
set_aipp_padding_params      aclmdlSetAIPPPaddingParams  kbiiiik>e!
set_aipp_dtc_pixel_mean      aclmdlSetAIPPDtcPixelMean   khhhhk>e!
set_aipp_dtc_pixel_min       aclmdlSetAIPPDtcPixelMin    -!          @kffffk
set_aipp_pixel_var_reci      aclmdlSetAIPPPixelVarReci   -!          @kffffk
set_input_aipp               aclmdlSetInputAIPP          Ikkk>e!
set_aipp_by_input_index      aclmdlSetAIPPByInputIndex   Ikkk>e!
get_aipp_type                aclmdlGetAippType           IkDP>e!
get_aipp_data_size           aclmdlGetAippDataSize       kP>e
get_first_aipp_info          aclmdlGetFirstAippInfo      Ikk>e!      @Ik
"""
